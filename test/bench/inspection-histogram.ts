/** Inspection times as `portcullis inspect --metrics` tells them: cumulative counts by bound in ms. */
export interface InspectionHistogram {
  readonly count: number
  readonly sumMs: number
  readonly buckets: readonly { readonly boundMs: number; readonly count: number }[]
}

const BUCKET = /^portcullis_inspection_seconds_bucket\{[^}]*le="([^"]+)"\} (\d+)$/gm
const TOTAL = /^portcullis_inspection_seconds_(count|sum)(?:\{[^}]*\})? (\S+)$/gm

export async function readHistogram(port: number): Promise<InspectionHistogram> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const totals = new Map([...text.matchAll(TOTAL)].map(([, name, value]) => [name, Number(value)]))
  const buckets = [...text.matchAll(BUCKET)].map(([, bound, count]) => ({
    boundMs: bound === '+Inf' ? Infinity : Number(bound) * 1000,
    count: Number(count),
  }))
  return { count: totals.get('count') ?? 0, sumMs: (totals.get('sum') ?? 0) * 1000, buckets }
}

/** What was added between two readings. */
export function difference(
  before: InspectionHistogram,
  after: InspectionHistogram,
): InspectionHistogram {
  const earlier = new Map(before.buckets.map(({ boundMs, count }) => [boundMs, count]))
  return {
    count: after.count - before.count,
    sumMs: after.sumMs - before.sumMs,
    buckets: after.buckets.map(({ boundMs, count }) => ({
      boundMs,
      count: count - (earlier.get(boundMs) ?? 0),
    })),
  }
}

/** Milliseconds at a quantile, interpolated within its bucket; NaN when nothing was counted. */
export function quantileMs({ count, buckets }: InspectionHistogram, q: number): number {
  const rank = count * q
  let lowerMs = 0
  let below = 0
  for (const bucket of buckets) {
    if (bucket.count >= rank && bucket.count > below) {
      if (bucket.boundMs === Infinity) return lowerMs
      return lowerMs + ((rank - below) / (bucket.count - below)) * (bucket.boundMs - lowerMs)
    }
    lowerMs = bucket.boundMs
    below = bucket.count
  }
  return Number.NaN
}
