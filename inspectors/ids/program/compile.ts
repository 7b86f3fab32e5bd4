import { applicationOfEvent } from '#signatures/suricata/application-events.ts'
import { PAYLOAD, bufferByName, isPacketBuffer } from '#signatures/suricata/buffers.ts'
import { RuleFault, type RuleProblem } from '#signatures/suricata/problem.ts'
import type { HashAlgorithm } from '#signatures/suricata/checks.ts'
import type { Rule, RuleHead, Section } from '#signatures/suricata/rule.ts'
import { fitted, NOTHING } from '#signatures/suricata/rule-pool.ts'
import { transformKey } from '#signatures/suricata/transform.ts'
import { chooseFastPattern } from './fast-pattern.ts'
import { HeaderTable } from './header-table.ts'
import { type OrderedAction, inRuleOrder } from './order.ts'
import type { Application, CompiledRule, CompiledSection, Side, Slot } from './compiled-rule.ts'
import { FlowKinds } from './flow-kinds.ts'
import { PACKET_KINDS, PortPlans } from './port-plans.ts'
import type { Program } from './program.ts'
import { GroupDraft, type RuleGroup } from './rule-group.ts'
import { concernsPackets, fewSizes, packetUse, payloadForm } from './packet-use.ts'
import { ruleType, waitsForStream } from './rule-type.ts'
import { slotReading } from './slot-reading.ts'
import { compileSteps, needEnd } from './steps.ts'
import { RuleData } from './rule-data.ts'
import type { RuleVariables } from './variables.ts'

export interface CompileResult {
  readonly program: Program
  /** Rules whose header variables cannot be resolved. */
  readonly problems: readonly RuleProblem[]
}

const APPLICATIONS = new Set<string>(['http', 'tls', 'dns', 'dcerpc'])

export interface CompileOptions {
  /** There are packets to look at: a capture. Otherwise connections alone: the inline path. */
  readonly packets: boolean
  readonly actionOrder?: readonly OrderedAction[]
  /** Every rule is matched against everything, as if none had a fast pattern: slow, and what the rest is held to. */
  readonly isUnfiltered?: boolean
}

/**
 * Compiles parsed rules for TCP streams, HTTP/1 exchanges and TLS handshakes, and for packets and DNS if there are.
 *
 * @param rules is emptied: what was parsed is let go rule by rule, so that a set is never in memory twice
 */
export function compileProgram(
  rules: Rule[],
  variables: RuleVariables,
  options: CompileOptions = { packets: false },
): CompileResult {
  const ordered = inRuleOrder(rules, options.actionOrder)
  rules.length = 0
  return new Compiler(variables, options).compile(ordered)
}

class Compiler {
  readonly #headers: HeaderTable
  readonly #slots = new Map<string, Slot>()
  readonly #groups = new Map<string, GroupDraft>()
  readonly #inapplicable = new Map<string, number>()
  readonly #problems: RuleProblem[] = []

  readonly #events = new Map<string, CompiledRule[]>()
  #data = new RuleData([])
  readonly #hasPackets: boolean

  readonly #isUnfiltered: boolean

  constructor(variables: RuleVariables, { packets, isUnfiltered = false }: CompileOptions) {
    this.#headers = new HeaderTable(variables)
    this.#hasPackets = packets
    this.#isUnfiltered = isUnfiltered
  }

  compile(rules: Rule[]): CompileResult {
    this.#data = new RuleData(rules)
    const compiled: CompiledRule[] = []
    rules.reverse()
    for (let rule = rules.pop(); rule !== undefined; rule = rules.pop()) {
      const reason = inapplicableReason(rule, this.#hasPackets)
      if (reason !== null) {
        this.#inapplicable.set(reason, (this.#inapplicable.get(reason) ?? 0) + 1)
        continue
      }
      const done = this.#compileRule(rule, compiled.length)
      if (done === null) continue
      compiled.push(done)
      this.#place(done, rule)
    }
    const drafts = (name: string): Record<Side, GroupDraft> => ({
      request: this.#draft(`${name} request`),
      response: this.#draft(`${name} response`),
    })
    const sides = (name: string): Record<Side, RuleGroup> => ({
      request: this.#draft(`${name} request`).finish(),
      response: this.#draft(`${name} response`).finish(),
    })
    const plans = new PortPlans({
      stream: drafts('stream'),
      session: drafts('session'),
      tcp: drafts('tcp'),
      udp: drafts('udp'),
      other: drafts('other'),
    })
    return {
      problems: this.#problems,
      program: {
        rules: compiled,
        slots: [...this.#slots.values()],
        applications: {
          http: sides('http'),
          tls: sides('tls'),
          dns: sides('dns'),
          dcerpc: sides('dcerpc'),
        },
        plans,
        flowKinds: new FlowKinds(this.#headers, plans),
        events: this.#events,
        eventApplications: new Set([...this.#events.keys()].map(applicationOfEvent)),
        fileSums: fileSums(compiled),
        inapplicable: this.#inapplicable,
      },
    }
  }

  #compileRule(rule: Rule, index: number): CompiledRule | null {
    try {
      return {
        index,
        rule: headOf(rule),
        type: ruleType(rule),
        header: this.#headers.test(rule),
        spoken: rule.application,
        flowChecks: rule.flowChecks,
        sections: rule.sections.map((section) => this.#section(section)),
        application: boundApplication(rule),
        files: fitted(this.#data.fileTests(rule)),
        payload: payloadForm(rule),
        onPackets: this.#hasPackets ? packetUse(rule) : 'never',
        afterStream: waitsForStream(rule),
      }
    } catch (error) {
      if (!(error instanceof RuleFault)) throw error
      this.#problems.push({
        file: rule.file,
        line: rule.line,
        column: 1,
        code: error.code,
        message: error.message,
        sid: rule.sid,
        ...(error.suggestion === undefined ? {} : { suggestion: error.suggestion }),
      })
      return null
    }
  }

  #section(section: Section): CompiledSection {
    const steps = compileSteps(section.matches, (match) => this.#data.set(match))
    const absent = section.matches.find((match) => match.kind === 'absent')
    return {
      slot: this.#slot(section),
      steps,
      needsEnd: needEnd(steps),
      absent: absent === undefined ? 'no' : absent.orElse ? 'or-else' : 'required',
      numbers: fitted(section.matches.filter((match) => match.kind === 'numbers')),
    }
  }

  #slot(section: Section): Slot {
    const { side } = section
    const key = `${section.buffer} ${side ?? ''} ${transformKey(section.transforms)}`
    const known = this.#slots.get(key)
    if (known !== undefined) return known
    const row = bufferByName(section.buffer)!
    const slot: Slot = {
      id: this.#slots.size,
      buffer: row.name,
      transforms: section.transforms,
      side,
      sides: row.sides,
      multiple: row.multiple,
      streaming: row.streaming,
      reading: slotReading(row.name, side, section.transforms.length > 0, row.streaming),
      numbers: row.numbers,
    }
    this.#slots.set(key, slot)
    return slot
  }

  #place(compiled: CompiledRule, rule: Rule): void {
    if (rule.events.length > 0) {
      for (const event of rule.events) {
        const asked = this.#events.get(event)
        if (asked === undefined) this.#events.set(event, [compiled])
        else asked.push(compiled)
      }
      return
    }
    if (compiled.onPackets !== 'never') {
      for (const kind of PACKET_KINDS) {
        if (!concernsPackets(compiled, kind)) continue
        if (rule.toServer) this.#add(`${kind} request`, compiled, rule, 'request')
        if (rule.toClient) this.#add(`${kind} response`, compiled, rule, 'response')
      }
      if (compiled.onPackets === 'always') return
    }
    const kind = compiled.application ?? 'stream'
    if (rule.toServer) this.#add(`${kind} request`, compiled, rule, 'request')
    if (rule.toClient) this.#add(`${kind} response`, compiled, rule, 'response')
  }

  #draft(name: string): GroupDraft {
    const isStream = name.startsWith('stream ')
    const draft =
      this.#groups.get(name) ??
      new GroupDraft(
        (slot) => slot.streaming && (isStream || slot.buffer !== PAYLOAD),
        name.startsWith('http '),
      )
    this.#groups.set(name, draft)
    return draft
  }

  #add(name: string, compiled: CompiledRule, rule: Rule, side: Side): void {
    const draft = this.#draft(name)
    if (this.#isUnfiltered) {
      draft.addAlways(compiled)
      return
    }
    const sizes = compiled.application === null ? fewSizes(rule, compiled.payload) : null
    if (sizes !== null) {
      draft.addSized(compiled, sizes)
      return
    }
    // A section that may hold because its buffer is absent, or a chunk of one that is transformed, finds nothing.
    const fast = chooseFastPattern(
      rule,
      (section) => isSeenIn(section.buffer, side) && isFindable(section),
    )
    if (fast === null) {
      draft.addAlways(compiled)
      return
    }
    const { slot } = compiled.sections[fast.section]
    // Head and body are one text only in the stream: such a pattern is looked for there.
    const isOfStream = slot.buffer === PAYLOAD && compiled.application === 'http'
    const home = isOfStream ? this.#draft(`stream ${side}`) : draft
    home.add(compiled, slot, fast.pattern, fast.maxEnd)
  }
}

function isFindable({ buffer, transforms, matches }: Section): boolean {
  if (bufferByName(buffer)!.streaming && transforms.length > 0) return false
  return !matches.some(({ kind }) => kind === 'absent')
}

/** The sections are let go: those of the compiled rule stand for them. */
function headOf(rule: Rule): RuleHead {
  const head: Rule = { ...rule, sections: NOTHING }
  return head
}

/** `=>` rules stand in the response group and see both sides; only the response finds them. */
function isSeenIn(buffer: string, side: Side): boolean {
  const { sides } = bufferByName(buffer)!
  return sides === 'both' || sides === side
}

/** Application whose events evaluate the rule; null: the bytes themselves do. */
function boundApplication(rule: Rule): Application | null {
  if (
    rule.application === null &&
    (rule.fileChecks.length > 0 || rule.sections.some(({ buffer }) => buffer.startsWith('file.')))
  )
    return 'http'
  if (rule.application === null || !APPLICATIONS.has(canonical(rule.application))) return null
  const onlyPayload =
    rule.fileChecks.length === 0 &&
    rule.sections.length > 0 &&
    rule.sections.every((section) => section.buffer === PAYLOAD)
  return onlyPayload ? null : (canonical(rule.application) as Application)
}

function fileSums(rules: readonly CompiledRule[]): Program['fileSums'] {
  const sums = new Set<HashAlgorithm>()
  let isAsked = false
  for (const { files } of rules)
    for (const test of files) {
      isAsked = true
      if (test.kind === 'hash') sums.add(test.algorithm)
    }
  return isAsked ? [...sums] : null
}

/** Files are taken out of HTTP alone. */
function carriesFiles(rule: Rule): boolean {
  return rule.application === null || canonical(rule.application) === 'http'
}

function canonical(application: string): string {
  return application === 'http1' ? 'http' : application
}

/** Why there is nothing to evaluate the rule on; null when there is. */
function inapplicableReason(rule: Rule, hasPackets: boolean): string | null {
  if (!hasPackets) {
    const reason = packetReason(rule)
    if (reason !== null) return reason
  }
  if (rule.fileChecks.length > 0 && !carriesFiles(rule)) return `files of ${rule.application}`
  for (const section of rule.sections) {
    if (section.buffer.startsWith('file.') && !carriesFiles(rule)) return `buffer ${section.buffer}`
    if (section.buffer.startsWith('ssh.')) return `buffer ${section.buffer}`
  }
  return rule.application === 'http2' ? `protocol ${rule.application}` : null
}

/** What the rule asks of packets or datagrams. */
function packetReason(rule: Rule): string | null {
  const { transport } = rule.protocol
  if (transport === 'udp' || transport === 'icmp') return `protocol ${rule.protocol.name}`
  if (rule.packetChecks.length > 0) return `packet keyword ${rule.packetChecks[0].kind}`
  for (const check of rule.flowChecks)
    if (check.kind === 'flow-count' && check.what !== 'age') return `keyword flow.${check.what}`
  if (rule.flow.state === 'not_established') return 'flow:not_established'
  if (rule.flow.fragments === 'only_frag') return 'flow:only_frag'
  for (const { buffer } of rule.sections)
    if (isPacketBuffer(buffer) || buffer.startsWith('dns.')) return `buffer ${buffer}`
  return rule.application === 'dns' ? 'protocol dns' : null
}
