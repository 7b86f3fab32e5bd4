import { type Static, Type } from 'typebox'
import { Attachment } from './attachment.ts'
import { DomainChain } from './domain.ts'
import { Port } from './port.ts'

/** What one tap process has to do: a mirrored port and the chain that looks at it. Immutable. */
export const TapConfig = Type.Object(
  {
    host: Type.String(),
    /** Folder of its alert spool, as the process sees it. */
    spoolFolder: Type.String(),
    /** File that it tells its state in, once a second. */
    statusFile: Type.String(),
    attachment: Attachment,
    port: Port,
    chain: DomainChain,
  },
  { additionalProperties: false },
)
export type TapConfig = Static<typeof TapConfig>

/** Contents of the status file. Counts are since the process started. */
export const TapStatus = Type.Object({
  pid: Type.Integer(),
  /** Milliseconds since the epoch. */
  at: Type.Integer(),
  /** `loading`: rules are compiled. `failed`: they cannot be, or the capture ended; `reason` says why. */
  state: Type.Union([Type.Literal('loading'), Type.Literal('running'), Type.Literal('failed')]),
  reason: Type.Optional(Type.String()),
  packets: Type.Integer(),
  bytes: Type.Integer(),
  flows: Type.Integer(),
  alerts: Type.Integer(),
  /** Packets that the kernel had no room for: nobody looked at them. */
  dropped: Type.Integer(),
})
export type TapStatus = Static<typeof TapStatus>
