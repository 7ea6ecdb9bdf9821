import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type Ended, type Program, program } from '../programs/program.js'

/** Sends the signals one after another, so many milliseconds apart, to a program that needs that long to save. */
async function sent(signals: NodeJS.Signals[], apart: number, saving: number): Promise<Ended> {
  const running: Program = program('signals.mjs', [String(saving)])
  await running.printed('ready')
  for (const [i, signal] of signals.entries()) {
    if (i > 0) await sleep(apart)
    running.kill(signal)
  }
  return running.ended
}

describe('a signal that asks a run to end lets it save', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGXCPU'] as const)('%s', async (signal) => {
    expect(await sent([signal], 0, 50)).toMatchObject({ code: 0, signal: null, stdout: 'ready\nsaved\n' })
  })

  test('two hang-ups, which a closed terminal and its shell send, are one', async () => {
    expect(await sent(['SIGHUP', 'SIGHUP'], 400, 800)).toMatchObject({ code: 0, stdout: 'ready\nsaved\n' })
  })

  test("a batch system's SIGTERM after its warning does not end it at once", async () => {
    const ended = await sent(['SIGUSR1', 'SIGUSR1', 'SIGTERM'], 300, 1500)
    expect(ended).toMatchObject({ code: 0, stdout: 'ready\nsaved\n' })
    // Nor does it begin the debugger of Node.js.
    expect(ended.stderr).not.toContain('Debugger')
  })

  test('SIGUSR2 saves and goes on', async () => {
    const ended = await sent(['SIGUSR2', 'SIGUSR2', 'SIGINT'], 100, 50)
    expect(ended).toMatchObject({ code: 0, stdout: 'ready\ngoing on\ngoing on\nsaved\n' })
  })

  test.each([
    ['SIGINT', 'SIGINT'],
    ['SIGHUP', 'SIGTERM'],
  ] as const)('and once more ends it at once: %s, %s', async (...signals) => {
    expect(await sent([...signals], 400, 10_000)).toMatchObject({ code: 130, stdout: 'ready\n' })
  })
})
