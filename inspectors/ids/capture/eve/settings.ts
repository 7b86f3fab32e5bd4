/** Which records are written, and what they tell: `eve-log` of a `suricata.yaml`. */
export interface EveSettings {
  /** Event types that are written; null: all. */
  readonly types: ReadonlySet<string> | null
  readonly alert: AlertSettings
  readonly drop: {
    /** The rule that dropped is quoted. */
    readonly alerts: boolean
    /** `start`: one record for a flow and direction that is dropped as a whole. */
    readonly flows: 'all' | 'start'
    readonly verdict: boolean
  }
  readonly flow: { readonly exceptionPolicy: boolean }
  readonly http: {
    /** All that is told of an exchange; otherwise who asked for what alone. */
    readonly extended: boolean
    readonly headers: 'none' | 'request' | 'response' | 'both'
  }
  readonly dns: DnsSettings
  /** Bits, numbers and variables of the flow. */
  readonly metadata: boolean
  /** Seed; null: no community id is written. */
  readonly communityIdSeed: number | null
  readonly anomaly: AnomalySettings
}

export interface AlertSettings {
  readonly payload: boolean
  readonly payloadPrintable: boolean
  readonly payloadLength: boolean
  /** Bytes of a payload that are quoted. */
  readonly payloadBytes: number
  readonly packet: boolean
  /** What the application protocol says. */
  readonly applicationLayer: boolean
  readonly flow: boolean
  readonly ruleMetadata: boolean
  readonly ruleText: boolean
  readonly references: boolean
  readonly verdict: boolean
  readonly httpBody: boolean
  readonly httpBodyPrintable: boolean
  readonly xff: XffSettings | null
}

/** Where the address of the client that a proxy names is told. */
export interface XffSettings {
  readonly mode: 'extra-data' | 'overwrite'
  /** `reverse`: the last address of the header counts; `forward`: the first. */
  readonly deployment: 'reverse' | 'forward'
  /** In lower case. */
  readonly header: string
}

export interface DnsSettings {
  /** Of the records about DNS; an alert quotes version 3. */
  readonly version: 2 | 3
  readonly requests: boolean
  readonly responses: boolean
  /** Names of record types, in upper case, without which a message is not told; null: all are. */
  readonly types: ReadonlySet<string> | null
}

export interface AnomalySettings {
  readonly decode: boolean
  readonly stream: boolean
  readonly applicationLayer: boolean
}

/** Bytes of a packet or stream that an alert quotes where the settings say nothing. */
export const DEFAULT_PAYLOAD_BYTES = 4096
/** Most bytes that settings may have quoted. */
export const MAX_PAYLOAD_BYTES = 65_536

/** Everything that can be told is. */
export const FULL_EVE: EveSettings = {
  types: null,
  alert: {
    payload: true,
    payloadPrintable: true,
    payloadLength: false,
    payloadBytes: DEFAULT_PAYLOAD_BYTES,
    packet: true,
    applicationLayer: true,
    flow: true,
    ruleMetadata: true,
    ruleText: false,
    references: true,
    verdict: true,
    httpBody: false,
    httpBodyPrintable: false,
    xff: null,
  },
  drop: { alerts: true, flows: 'all', verdict: true },
  flow: { exceptionPolicy: true },
  http: { extended: true, headers: 'none' },
  dns: { version: 3, requests: true, responses: true, types: null },
  metadata: true,
  communityIdSeed: 0,
  anomaly: { decode: true, stream: true, applicationLayer: true },
}
