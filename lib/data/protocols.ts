/** The ways in which retrieval is measured; a source names the one that its data are made for. */

export type Protocol = {
  /** Captions that each picture is expected to have, for results to be comparable with published ones. */
  captions?: number
}

/**
 * - `flickr`: five captions per picture, all of them used, as results on Flickr8k, Flickr30k and COCO are given.
 * - `muge`: captions that belong to one or several pictures, as Chinese-CLIP evaluates MUGE, Flickr30k-CN and COCO-CN.
 * - `any`: whatever the data hold.
 */
export const protocols = { flickr: { captions: 5 }, muge: {}, any: {} } as const satisfies Record<
  ProtocolName,
  Protocol
>

/** By what retrieval is measured: 'flickr' expects five captions per picture, 'muge' captions with several pictures, 'any' nothing. */
export type ProtocolName = 'flickr' | 'muge' | 'any'
