/**
 * Parameters by the core's names, which the layouts of checkpoints translate. `trainable`: whether it learns at first;
 * `rounded`: whether the session rounds it to 8 bits.
 */
export type NativeParameter = { name: string; shape: number[]; trainable: boolean; rounded: boolean }
