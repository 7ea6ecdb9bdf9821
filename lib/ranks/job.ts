/** Whether this process is one of several, as its launcher says: no option does. */

export type Job = { rank: number; size: number }

/** `size` and `rank` of Open MPI, of MPICH's Hydra and Intel's, of SLURM's srun. */
const LAUNCHERS = [
  ['OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_RANK'],
  ['PMI_SIZE', 'PMI_RANK'],
  // A batch script has SLURM_NTASKS, too, but is no task of a step.
  ['SLURM_STEP_NUM_TASKS', 'SLURM_PROCID'],
] as const

/** Nothing for a process alone. */
export function jobOf(env: NodeJS.ProcessEnv): Job | undefined {
  for (const [size, rank] of LAUNCHERS) {
    const job = { size: Number(env[size]), rank: Number(env[rank]) }
    if (Number.isInteger(job.size) && job.size > 1 && Number.isInteger(job.rank)) return job
  }
  return undefined
}

/** As the same launchers number the ranks of one machine. */
const LOCAL_RANKS = ['OMPI_COMM_WORLD_LOCAL_RANK', 'MPI_LOCALRANKID', 'SLURM_LOCALID']

/** Its number among the job's ranks on this machine; nothing for a process alone. */
export function localRankOf(env: NodeJS.ProcessEnv): number | undefined {
  if (!jobOf(env)) return undefined
  const told = LOCAL_RANKS.map((name) => Number(env[name] ?? Number.NaN))
  return told.find((local) => Number.isInteger(local) && local >= 0) ?? 0
}
