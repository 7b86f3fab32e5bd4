import type { Registry } from 'prom-client'
import type { AlertFeed } from '#chain/alerts/feed.ts'
import type { Inbox } from '#chain/alerts/inbox.ts'
import type { HostDirectory } from '#chain/plan/host-directory.ts'
import type { Planner } from '#chain/plan/planner.ts'
import type { RuleSets } from '#chain/rule-sets/rule-sets.ts'
import type { AuditLog } from '#chain/store/audit-log.ts'
import type { DesiredStore } from '#chain/store/desired-store.ts'
import type { TokenStore } from '#chain/store/token-store.ts'

/** Everything the routes use; made once in `manager.ts` and passed down. */
export interface ApiContext {
  readonly store: DesiredStore
  readonly tokens: TokenStore
  readonly audit: AuditLog
  readonly planner: Planner
  readonly hosts: HostDirectory
  readonly ruleSets: RuleSets
  readonly inbox: Inbox
  readonly feed: AlertFeed
  readonly metrics: Registry
  /** Tenants may register ports themselves. */
  readonly tenantPorts: boolean
  /** Why requests cannot be served now; empty when they can. */
  readonly notReady: () => Promise<readonly string[]>
}
