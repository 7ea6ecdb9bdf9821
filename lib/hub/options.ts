/** `HubOptions` among the options of whatever opens a model. */
import { z } from 'zod'
import type { HubOptions } from './settings.js'

/** For the schemas of those options. */
export const HUB_SHAPE = {
  offline: z.boolean().optional(),
  cacheDir: z.string().min(1).optional(),
  token: z.string().min(1).optional(),
}

/** Those of them that are given, out of whatever options they stand among. */
export function hubOf({
  offline,
  cacheDir,
  token,
}: { [K in keyof HubOptions]?: HubOptions[K] | undefined }): HubOptions {
  return {
    ...(offline !== undefined && { offline }),
    ...(cacheDir !== undefined && { cacheDir }),
    ...(token !== undefined && { token }),
  }
}
