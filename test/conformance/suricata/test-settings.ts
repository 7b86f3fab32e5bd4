import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { BUILT_IN_FLOW_TIMEOUTS } from '#inspectors/ids/capture/flow-timeouts.ts'
import {
  Configuration,
  ConfigurationError,
  type Tree,
} from '#inspectors/ids/configuration/configuration.ts'
import {
  type ReplaySettings,
  replaySettings,
} from '#inspectors/ids/configuration/replay-settings.ts'

/** Options that change nothing of what is judged. */
const INDIFFERENT = [/^--runmode[= ]\w+$/, /^--no-random$/, /^--data-dir[= ]\S+$/]

/** A network of private addresses is at home where a test brings no configuration of its own. */
const DEFAULTS = [
  'vars.address-groups.HOME_NET=[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]',
  'vars.address-groups.EXTERNAL_NET=!$HOME_NET',
]

/** What is logged there. */
const DEFAULT_OUTPUTS: Tree = [
  { fast: null },
  {
    'eve-log': {
      enabled: 'yes',
      types: [
        'alert',
        'anomaly',
        { http: { extended: 'yes' } },
        'dns',
        { tls: { extended: 'yes' } },
        'files',
        'flow',
        'stats',
      ],
    },
  },
]

interface Described {
  readonly name: string
  readonly args: readonly string[]
  readonly ips: boolean
}

/**
 * Settings of a test: its `suricata.yaml`, or what Suricata's own says, and its options.
 *
 * @returns text: something is asked for that a replay does not obey
 */
export function settingsOf(
  root: string,
  entry: Described,
  yaml: { readonly env?: Readonly<Record<string, unknown>> },
): ReplaySettings | string {
  const folder = resolve(root, 'tests', entry.name)
  const own = join(folder, 'suricata.yaml')
  try {
    // Some tests include a file of the suite that its parts do not bring along.
    const hasOwn = existsSync(own)
    const configuration = hasOwn
      ? Configuration.read(own, { skipsMissing: true })
      : defaultConfiguration()
    configuration.otherwise('outputs', DEFAULT_OUTPUTS)
    let isInline = entry.ips
    let checksums: 'none' | 'all' | null = null
    const options = entry.args
      .flatMap((argument) => argument.trim().split(/\s+(?=-)/))
      .map((option) => option.trim())
    for (const option of options) {
      const setting = /^--set[= ](\S+=.*)$/.exec(option)
      const sums = /^-k (none|all)$/.exec(option)
      if (setting !== null) configuration.set(setting[1].replaceAll('${TEST_DIR}', folder))
      else if (sums !== null) checksums = sums[1] as 'none' | 'all'
      else if (option === '--simulate-ips') isInline = true
      else if (!INDIFFERENT.some((form) => form.test(option)))
        return `argument ${option.split(/[ =]/, 2).join(' ')}`
    }
    const settings = replaySettings(configuration, {
      isInline,
      ...(hasOwn ? { flowTimeouts: BUILT_IN_FLOW_TIMEOUTS } : {}),
      dnsVersion: String(yaml.env?.SURICATA_EVE_DNS_VERSION) === '2' ? 2 : 3,
      ...(checksums === null ? {} : { checksums }),
    })
    const [unsupported] = settings.unsupported
    return unsupported === undefined ? settings : `setting ${unsupported}`
  } catch (error) {
    if (error instanceof ConfigurationError) return `configuration: ${error.message}`
    throw error
  }
}

function defaultConfiguration(): Configuration {
  const configuration = new Configuration()
  for (const setting of DEFAULTS) configuration.set(setting)
  return configuration
}
