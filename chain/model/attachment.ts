import { type Static, Type } from 'typebox'
import { Name } from './names.ts'

/** Most classifiers of one attachment, and most port entries of one classifier. */
export const MAX_CLASSIFIERS = 16
export const MAX_CLASSIFIER_PORTS = 32

const PortNumber = Type.Integer({ minimum: 1, maximum: 65_535 })

/** One destination port, or an inclusive range. */
export const PortEntry = Type.Union([
  PortNumber,
  Type.Object({ from: PortNumber, to: PortNumber }, { additionalProperties: false }),
])
export type PortEntry = Static<typeof PortEntry>

/**
 * `udp`: each datagram is inspected by itself before it is forwarded; the
 * chain must consist of inspectors that can see datagrams (`datagram-rules.ts`).
 */
export const ClassifierProtocol = Type.Union([
  Type.Literal('tcp'),
  Type.Literal('udp'),
  /** Of taps alone; both have no ports. */
  Type.Literal('icmp'),
  Type.Literal('any'),
])
export type ClassifierProtocol = Static<typeof ClassifierProtocol>

/**
 * Which connections are steered. `destinationPorts` are the server's, whoever of the two ends is the
 * attached port; `remote` limits the far side (ingress: the client, egress: the server).
 * The protocols that every agent can enforce are listed here and no others: what cannot be enforced
 * is refused, not stored.
 */
export const Classifier = Type.Object(
  {
    protocol: ClassifierProtocol,
    destinationPorts: Type.Union([
      Type.Literal('any'),
      Type.Array(PortEntry, { minItems: 1, maxItems: MAX_CLASSIFIER_PORTS }),
    ]),
    remote: Type.Optional(Type.String({ minLength: 2, maxLength: 64 })),
  },
  { additionalProperties: false },
)
export type Classifier = Static<typeof Classifier>

/**
 * `ingress`: connections towards the port's guest; `egress`: connections the guest opens. UDP has no
 * connections: what looks like a datagram towards the server or like its answer counts, whoever spoke first.
 */
export const Direction = Type.Union([Type.Literal('ingress'), Type.Literal('egress')])
export type Direction = Static<typeof Direction>

/**
 * `inline`: the switch leads connections through the chain, which can stop them. `tap`: the switch mirrors the
 * port, and the chain looks at the copies; it must consist of ids inspectors in mode detect.
 */
export const AttachmentMode = Type.Union([Type.Literal('inline'), Type.Literal('tap')])

export const Attachment = Type.Object(
  {
    id: Name,
    tenant: Name,
    port: Name,
    chain: Name,
    /** Default: `inline`. */
    mode: Type.Optional(AttachmentMode),
    direction: Direction,
    classifiers: Type.Array(Classifier, { minItems: 1, maxItems: MAX_CLASSIFIERS }),
    /** Higher wins where classifiers of one port and direction overlap; equal ones may not overlap. */
    priority: Type.Integer({ minimum: 1, maximum: 1000 }),
    /** TCP connections older than the attachment: left alone (`new-only`) or reset. */
    onAttach: Type.Union([Type.Literal('new-only'), Type.Literal('reset')]),
    /** Inspected TCP connections at detach: inspected to their end (`drain`) or reset. */
    onDetach: Type.Union([Type.Literal('drain'), Type.Literal('reset')]),
  },
  { additionalProperties: false },
)
export type Attachment = Static<typeof Attachment>
