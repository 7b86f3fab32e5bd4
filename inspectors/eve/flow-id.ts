const COUNTER_BITS = 27
const BASE_BITS = 51 - COUNTER_BITS

/**
 * EVE `flow_id`s: 51 bits, so that every JSON reader keeps them exact. A random part per worker and a
 * counter: unique within a worker, and two workers differ in all but one of 16 million cases.
 *
 * @param random a number in [0, 1)
 */
export function flowIds(random: number): () => number {
  const base = Math.floor(random * 2 ** BASE_BITS) * 2 ** COUNTER_BITS
  let counter = 0
  return () => {
    counter = (counter + 1) % 2 ** COUNTER_BITS
    return base + counter
  }
}
