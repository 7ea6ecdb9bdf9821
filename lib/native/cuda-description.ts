/** What there is of CUDA. */

export interface CudaDescription {
  /** Versions; empty where there is none. */
  driver: string
  runtime: string
  cublaslt: string
  cards: { name: string; bytes: number; freeBytes: number; computeCapability: string }[]
  /** Why no card can be used; empty when one can. */
  problem: string
}
