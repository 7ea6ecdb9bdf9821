import assert from 'node:assert/strict'

/** That features are equal within what f32 leaves. */
export function close({ data }, { data: want }) {
  assert.equal(data.length, want.length)
  const largest = data.reduce((max, x, i) => Math.max(max, Math.abs(x - want[i])), 0)
  assert.ok(largest < 2e-5, `features differ by ${largest}`)
}
