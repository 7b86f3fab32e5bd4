import { ApiError } from '#chain/errors.ts'
import { scopedKey } from '#chain/model/desired.ts'
import type { TokenRecord } from '#chain/store/token-store.ts'
import { notFound } from './auth.ts'

/**
 * Which tenant a request about one resource means. A tenant's token means its own. An operator may
 * say one (`?tenant=` or the body's `tenant`); otherwise it is whoever has a resource of that id, as
 * long as only one tenant has.
 *
 * @param asked what query and body say; both, when both are given, must agree
 * @param known resources of the kind, by `scopedKey`
 * @returns null when an operator said nothing and nobody has such a resource
 * @throws ApiError `not-found` for another tenant's, `conflict` when several have it
 */
export function tenantMeant(
  caller: TokenRecord,
  asked: readonly (string | undefined)[],
  known: ReadonlyMap<string, unknown>,
  id: string,
): string | null {
  const said = [...new Set(asked.filter((tenant) => tenant !== undefined))]
  if (said.length > 1) {
    throw new ApiError('malformed', 'the query and the body name different tenants', {
      errors: [{ pointer: '/tenant', detail: 'differs from ?tenant=' }],
    })
  }
  const tenant = said[0]
  if (caller.role !== 'operator') {
    if (tenant !== undefined && tenant !== caller.tenant) throw notFound()
    return caller.tenant
  }
  if (tenant !== undefined) return tenant
  if (known.has(scopedKey(caller.tenant, id))) return caller.tenant
  const suffix = `/${id}`
  const owners = [...known.keys()].filter((key) => key.endsWith(suffix))
  if (owners.length > 1) {
    throw new ApiError('conflict', `several tenants have ${id}: say which with ?tenant=`)
  }
  return owners[0]?.slice(0, -suffix.length) ?? null
}
