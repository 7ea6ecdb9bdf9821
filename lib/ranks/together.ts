/** Work that the ranks of a job do together. */
import { joinWorld } from './join.js'
import type { World } from './world.js'

/**
 * Alone it is just the work. A rank that fails tells the others why, which end with it; one that is done waits for them, as a
 * launcher ends a job with the first rank that goes.
 * @throws what the work throws, what `joinWorld` throws, ERR_IO once another rank has ended
 */
export async function together<T>(work: (world: World) => Promise<T>): Promise<T> {
  const world = await joinWorld()
  try {
    const result = await work(world)
    await world.exchange('done')
    return result
  } catch (error) {
    await world.tell(error)
    throw error
  }
}
