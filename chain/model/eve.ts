import { type Static, Type } from 'typebox'

/**
 * An EVE record of `event_type: alert`, as EveBox, Wazuh and Filebeat read it. What is ours is under
 * `portcullis`. The inbox needs the fields listed here; others pass through unread.
 */
export const AlertRecord = Type.Object({
  /** `2026-07-08T02:54:07.123456+0000` */
  timestamp: Type.String(),
  event_type: Type.Literal('alert'),
  flow_id: Type.Optional(Type.Integer()),
  src_ip: Type.Optional(Type.String()),
  src_port: Type.Optional(Type.Integer()),
  dest_ip: Type.Optional(Type.String()),
  dest_port: Type.Optional(Type.Integer()),
  proto: Type.Optional(Type.String()),
  app_proto: Type.Optional(Type.String()),
  host: Type.Optional(Type.String()),
  community_id: Type.Optional(Type.String()),
  tx_id: Type.Optional(Type.Integer()),
  alert: Type.Object({
    action: Type.Union([Type.Literal('allowed'), Type.Literal('blocked')]),
    gid: Type.Integer(),
    signature_id: Type.Integer(),
    rev: Type.Integer(),
    signature: Type.String(),
    category: Type.String(),
    severity: Type.Integer(),
    metadata: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String()))),
  }),
  http: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  portcullis: Type.Object({
    /** Unique id of the record (hyperid): the inbox deduplicates by it. */
    id: Type.String(),
    /** What the block page and the `x-portcullis-request-id` response header show. */
    request_id: Type.Optional(Type.String()),
    tenant: Type.String(),
    network: Type.Optional(Type.String()),
    port: Type.String(),
    attachment: Type.String(),
    chain: Type.String(),
    /** `waf`, `ids`, or `portcullis` for alerts about the service itself. */
    inspector: Type.String(),
    mode: Type.Optional(Type.String()),
    /** What became of the flow: `passed`, `blocked`, `dropped`, `would-block`, `bypassed`. */
    verdict: Type.String(),
    rule_set: Type.Optional(Type.String()),
    source: Type.Optional(Type.String()),
    phase: Type.Optional(Type.Integer()),
    score: Type.Optional(Type.Integer()),
    logdata: Type.Optional(Type.String()),
    tags: Type.Optional(Type.Array(Type.String())),
    matches: Type.Optional(
      Type.Array(
        Type.Object({
          variable: Type.String(),
          value: Type.String(),
          offset: Type.Integer(),
          transformations: Type.Array(Type.String()),
        }),
      ),
    ),
  }),
})
export type AlertRecord = Static<typeof AlertRecord>

/** Data of one BullMQ job: a batch of spool records. Its id is host, segment and offset. */
export interface AlertBatch {
  readonly host: string
  readonly segment: string
  readonly offset: number
  readonly records: readonly AlertRecord[]
}
