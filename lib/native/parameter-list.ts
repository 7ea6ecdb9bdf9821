/** Parameters by the core's names, which the layouts of checkpoints translate. */
export type NativeParameter = { name: string; shape: number[] }
