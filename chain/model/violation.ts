/**
 * Why a resource is refused. `invalid`: it could never be enforced, whatever else exists.
 * `conflict`: another resource is in the way and `inTheWay` is its id.
 */
export type Violation =
  | { readonly kind: 'invalid'; readonly pointer: string; readonly detail: string }
  | {
      readonly kind: 'conflict'
      readonly pointer: string
      readonly detail: string
      readonly inTheWay: string
    }

export const invalid = (pointer: string, detail: string): Violation => ({
  kind: 'invalid',
  pointer,
  detail,
})

export const conflict = (pointer: string, detail: string, inTheWay: string): Violation => ({
  kind: 'conflict',
  pointer,
  detail,
  inTheWay,
})
