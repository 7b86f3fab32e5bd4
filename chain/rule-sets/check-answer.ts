import type { CheckedBundle } from './checked-bundle.ts'

/** What the checker thread answers. */
export type CheckAnswer =
  | { readonly ok: true; readonly checked: CheckedBundle }
  /** `isRefusal`: the upload is at fault, otherwise we are. */
  | { readonly ok: false; readonly isRefusal: boolean; readonly reason: string }
