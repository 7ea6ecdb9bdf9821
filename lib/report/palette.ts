/**
 * Okabe and Ito's colours, which people with any common colour blindness tell apart
 * (https://jfly.uni-koeln.de/color/, https://doi.org/10.1038/nmeth.1618).
 */
export const OKABE_ITO = {
  blue: '#0072b2',
  vermilion: '#d55e00',
  green: '#009e73',
  purple: '#cc79a7',
} as const

export const INK = '#222222'
/** Text and strokes beside what matters. */
export const GREY = '#666666'
/** Frames, axes. */
export const PALE = '#bbbbbb'
