import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AlertComparison, ReplayFigures, ReplayRate } from './ids-bench-report.ts'

const ROOT = join(import.meta.dirname, '../..')
const NODE = [process.execPath, '--disable-warning=ExperimentalWarning']
const PEER_TOOL = join(ROOT, '../shared/tools/peer-suricata')
/** The peer's tool may have to install a chroot first. */
const INSTALL_TIMEOUT_MS = 900_000
const RUN_TIMEOUT_MS = 600_000
/** Both sides take all addresses for their own, as the inspector does by default. */
const ANY_ADDRESS = [
  '--set',
  'vars.address-groups.HOME_NET=any',
  '--set',
  'vars.address-groups.EXTERNAL_NET=any',
]
/** Room for all flows: with the peer's defaults it missed 136 of 3,876 alerts of 100,000 transactions. */
const PEER_ROOM = [
  '--set',
  'stream.memcap=1gb',
  '--set',
  'stream.reassembly.memcap=2gb',
  '--set',
  'flow.memcap=1gb',
]
const ALERTS_ONLY =
  '%YAML 1.1\n---\noutputs:\n  - eve-log:\n      enabled: yes\n      filetype: regular\n      filename: eve.json\n      types:\n        - alert\n'
/** A capture without a packet: what is left is loading. */
const EMPTY_CAPTURE_BYTES = 24

interface Cost {
  readonly seconds: number
  readonly processorSeconds: number
}

interface Run {
  readonly whole: Cost
  readonly load: Cost
}

/** Rules and a capture shown to both sides, one after the other, each on the same cores. */
export class ReplayBench {
  readonly #folder: string
  readonly #rules: string
  readonly #capture: string
  readonly #emptyCapture: string
  readonly #config: string
  readonly #cores: string
  readonly #ours: Run[] = []
  readonly #peers: Run[] = []
  /** Why there is no peer; null: there is one. */
  readonly peerSkipped: string | null

  /** @param cores as `taskset -c` takes them */
  constructor(folder: string, rules: string, capture: string, cores: string) {
    this.#folder = folder
    this.#rules = rules
    this.#capture = capture
    this.#cores = cores
    this.#emptyCapture = join(folder, 'empty.pcap')
    writeFileSync(
      this.#emptyCapture,
      readFileSync(capture, { encoding: null }).subarray(0, EMPTY_CAPTURE_BYTES),
    )
    this.#config = join(folder, 'alerts-only.yaml')
    writeFileSync(this.#config, ALERTS_ONLY)
    this.peerSkipped = preparePeer()
  }

  round(): { readonly ours: number; readonly peer: number | null } {
    const ours = {
      whole: this.#replay(this.#capture),
      load: this.#replay(this.#emptyCapture),
    }
    this.#ours.push(ours)
    if (this.peerSkipped !== null) return { ours: netSeconds(ours), peer: null }
    mkdirSync(join(this.#folder, 'peer'), { recursive: true })
    const out = join(this.#folder, 'peer')
    const peer = {
      whole: this.#timed([
        PEER_TOOL,
        'run',
        '--',
        this.#rules,
        this.#capture,
        out,
        ...ANY_ADDRESS,
        ...PEER_ROOM,
      ]),
      load: this.#timed([PEER_TOOL, 'load', '--', this.#rules]),
    }
    this.#peers.push(peer)
    return { ours: netSeconds(ours), peer: netSeconds(peer) }
  }

  results(
    transactions: number,
    bytes: number,
  ): ReplayFigures & { readonly alerts: AlertComparison | null } {
    const rate = (runs: readonly Run[]): ReplayRate => ({
      transactionsPerSecond: Math.round(median(runs.map((run) => transactions / netSeconds(run)))),
      megabytesPerSecond: round(median(runs.map((run) => bytes / 1e6 / netSeconds(run)))),
      processorMicroseconds: round(
        median(runs.map((run) => (netProcessor(run) * 1e6) / transactions)),
      ),
      loadSeconds: round(median(runs.map(({ load }) => load.seconds))),
    })
    const portcullis = rate(this.#ours)
    if (this.peerSkipped !== null)
      return { portcullis, peer: null, ratio: null, processorRatio: null, alerts: null }
    const ratios = (net: (run: Run) => number): number =>
      round(median(this.#ours.map((ours, index) => net(this.#peers[index]) / net(ours))))
    return {
      portcullis,
      peer: rate(this.#peers),
      ratio: ratios(netSeconds),
      processorRatio: ratios(netProcessor),
      alerts: compareAlerts(
        alertSet(join(this.#folder, 'eve.json')),
        alertSet(join(this.#folder, 'peer', 'eve.json')),
      ),
    }
  }

  #replay(capture: string): Cost {
    const eve = join(this.#folder, capture === this.#capture ? 'eve.json' : 'empty.json')
    const command = [...NODE, join(ROOT, 'inspectors/main.ts'), 'ids', 'replay']
    const inputs = ['--rules', this.#rules, '--pcap', capture, '-k', 'none']
    return this.#timed(command.concat(inputs, ['--eve', eve, '--config', this.#config]))
  }

  /** The shell tells the processor time of all that the command started. */
  #timed(argv: readonly string[]): Cost {
    const run = spawnSync(
      'taskset',
      ['-c', this.#cores, 'bash', '-c', 'time "$@" >/dev/null 2>&1', 'bash', ...argv],
      {
        encoding: 'utf8',
        timeout: RUN_TIMEOUT_MS,
        env: { ...process.env, TIMEFORMAT: '%R %U %S', LC_ALL: 'C' },
      },
    )
    const [seconds, user, system] = run.stderr.trim().split(' ').map(Number)
    if (run.status !== 0 || !Number.isFinite(seconds + user + system))
      throw new Error(`${argv.slice(0, 6).join(' ')} … ended with ${run.status}: ${run.stderr}`)
    return { seconds, processorSeconds: user + system }
  }
}

function preparePeer(): string | null {
  if (!existsSync(PEER_TOOL)) return `${PEER_TOOL} is not on this machine`
  const install = spawnSync(PEER_TOOL, ['install'], {
    encoding: 'utf8',
    timeout: INSTALL_TIMEOUT_MS,
  })
  if (install.status === 0) return null
  return `${PEER_TOOL} failed: ${(install.stderr ?? '').trim().split('\n').slice(-3).join('; ')}`
}

const netSeconds = ({ whole, load }: Run): number => Math.max(1e-3, whole.seconds - load.seconds)
const netProcessor = ({ whole, load }: Run): number =>
  Math.max(1e-3, whole.processorSeconds - load.processorSeconds)

interface AlertRecord {
  readonly event_type: string
  readonly src_ip: string
  readonly src_port?: number
  readonly dest_ip: string
  readonly dest_port?: number
  readonly alert: { readonly signature_id: number }
}

/** `SID FLOW`, the ends of the flow in an order of their own. */
function alertSet(file: string): Set<string> {
  const found = new Set<string>()
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.includes('"event_type":"alert"')) continue
    const record = JSON.parse(line) as AlertRecord
    const ends = [
      `${record.src_ip} ${record.src_port ?? 0}`,
      `${record.dest_ip} ${record.dest_port ?? 0}`,
    ].sort()
    found.add(`${record.alert.signature_id} ${ends.join(' ')}`)
  }
  return found
}

export function compareAlerts(
  ours: ReadonlySet<string>,
  theirs: ReadonlySet<string>,
): AlertComparison {
  const only = (these: ReadonlySet<string>, those: ReadonlySet<string>): Record<string, number> => {
    const counts: Record<string, number> = {}
    for (const alert of these) {
      if (those.has(alert)) continue
      const sid = alert.slice(0, alert.indexOf(' '))
      counts[sid] = (counts[sid] ?? 0) + 1
    }
    return counts
  }
  return {
    both: [...ours].filter((alert) => theirs.has(alert)).length,
    onlyPortcullis: only(ours, theirs),
    onlyPeer: only(theirs, ours),
  }
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right)
  return sorted[Math.floor(sorted.length / 2)]
}

export const round = (value: number): number => Number(value.toFixed(2))
