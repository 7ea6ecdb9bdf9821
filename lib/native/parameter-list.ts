/** Parameters by the core's names, which the layouts of checkpoints translate. `trainable`: whether it learns at first. */
export type NativeParameter = { name: string; shape: number[]; trainable: boolean }
