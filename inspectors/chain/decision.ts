/** What the chain decides about an event. */
export type Decision =
  | { readonly kind: 'proceed' }
  | { readonly kind: 'block'; readonly status: number; readonly location?: string }
  | { readonly kind: 'drop' }

export const PROCEED: Decision = Object.freeze({ kind: 'proceed' })
export const DROP: Decision = Object.freeze({ kind: 'drop' })
