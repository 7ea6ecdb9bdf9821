/** How pictures are fitted to a model's square: what options and files may say, without the code that does it. */

/** The way of fitting; `preprocessImage` has the definitions. */
export type Resize = 'crop' | 'letterbox' | 'pad' | 'squash'

export const RESIZES = ['crop', 'letterbox', 'pad', 'squash'] as const satisfies Resize[]

/** How pixels in between are made. */
export type Interpolation = 'bicubic' | 'bilinear'

export const INTERPOLATIONS = ['bicubic', 'bilinear'] as const satisfies Interpolation[]

/**
 * When pictures become RGB: `before` they are resized, as the reference and transformers do it, or `after`, as open_clip,
 * OpenAI and Chinese-CLIP do: then Pillow resizes palettes by the nearest pixel, and alpha weighs the colours.
 */
export type Convert = 'before' | 'after'

export const CONVERTS = ['before', 'after'] as const satisfies Convert[]

/**
 * How JPEG files are decoded: `exact`, as Pillow does it, or `fast`: at a half, a quarter or an eighth of their size where that is
 * still at least what they are resized to, by the file's own transform. Other files know no difference.
 */
export type Decode = 'exact' | 'fast'

export const DECODES = ['exact', 'fast'] as const satisfies Decode[]
