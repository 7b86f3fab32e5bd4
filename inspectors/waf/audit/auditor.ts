import type { AuditPolicy } from '../settings.ts'
import type { Transaction } from '../transaction/transaction.ts'
import { auditEntry, statusOf } from './audit-entry.ts'
import { jsonAuditEntry } from './json-entry.ts'
import { nativeAuditEntry } from './native-entry.ts'

/** Where entries go. A rule set decides what is told, never where. */
export interface AuditSink {
  /** What `SecAuditEngine` is where nobody says. */
  readonly defaultEngine: AuditPolicy['engine']
  /** @param entry printable ASCII with its line ends, whole. Never throws. */
  write(format: AuditPolicy['format'], entry: string): void
}

/** Decides which transactions of a WAF the audit log has, and writes them. */
export class Auditor {
  readonly #policy: AuditPolicy
  readonly #components: readonly string[]
  readonly #sink: AuditSink

  constructor(policy: AuditPolicy, components: readonly string[], sink: AuditSink) {
    this.#policy = policy
    this.#components = components
    this.#sink = sink
  }

  /** To be called once, at the end of a transaction. */
  add(transaction: Transaction): void {
    if (!this.#isWanted(transaction)) return
    const { format } = this.#policy
    const { auditParts } = transaction
    const entry = auditEntry(transaction, this.#components)
    this.#sink.write(
      format,
      format === 'json' ? jsonAuditEntry(entry, auditParts) : nativeAuditEntry(entry, auditParts),
    )
  }

  #isWanted(transaction: Transaction): boolean {
    if (transaction.auditEngine !== 'relevant-only') return transaction.auditEngine === 'on'
    if (transaction.hits.some((hit) => hit.rule.auditlog)) return true
    const status = statusOf(transaction)
    return status !== null && (this.#policy.relevantStatus?.test(String(status)) ?? false)
  }
}
