/**
 * Rule classes: what an alert's category says and how urgent it is.
 *
 *   line := 'config classification:' shortname ',' description ',' priority
 *
 * The table below serves where a rule set brings no `classification.config`. Short names and priorities
 * are the ones rule sets rely on; the descriptions are ours.
 */
export interface Classification {
  readonly name: string
  readonly description: string
  /** 1 (most urgent) to 255. */
  readonly priority: number
}

/** Most classes of one file. */
export const MAX_CLASSIFICATIONS = 1024
/** Of a rule with neither `classtype` nor `priority`. */
export const DEFAULT_PRIORITY = 3

const LINE = /^config\s+classification\s*:\s*([A-Za-z][\w-]*)\s*,\s*(.+?)\s*,\s*(\d{1,3})\s*$/

/** @param text content of a `classification.config`; lines of other forms are left out */
export function parseClassifications(text: string): Map<string, Classification> {
  const found = new Map<string, Classification>()
  for (const line of text.split('\n')) {
    const match = LINE.exec(line.trim())
    if (match === null || found.size >= MAX_CLASSIFICATIONS) continue
    const name = match[1].toLowerCase()
    found.set(name, { name, description: match[2], priority: Number(match[3]) })
  }
  return found
}

const DEFAULTS: readonly (readonly [string, number, string])[] = [
  ['not-suspicious', 3, 'Traffic that is not suspicious'],
  ['unknown', 3, 'Traffic of unknown kind'],
  ['bad-unknown', 2, 'Traffic that may be bad'],
  ['attempted-recon', 2, 'Attempt to gather information'],
  ['successful-recon-limited', 2, 'Information leaked'],
  ['successful-recon-largescale', 2, 'Information leaked at large'],
  ['attempted-dos', 2, 'Attempt at denial of service'],
  ['successful-dos', 2, 'Denial of service'],
  ['attempted-user', 1, 'Attempt to gain user rights'],
  ['unsuccessful-user', 1, 'Failed attempt to gain user rights'],
  ['successful-user', 1, 'User rights gained'],
  ['attempted-admin', 1, 'Attempt to gain administrator rights'],
  ['successful-admin', 1, 'Administrator rights gained'],
  ['rpc-portmap-decode', 2, 'RPC query decoded'],
  ['shellcode-detect', 1, 'Executable code in the traffic'],
  ['string-detect', 3, 'Suspicious string'],
  ['suspicious-filename-detect', 2, 'Suspicious file name'],
  ['suspicious-login', 2, 'Login under a suspicious name'],
  ['system-call-detect', 2, 'System call in the traffic'],
  ['tcp-connection', 4, 'TCP connection'],
  ['trojan-activity', 1, 'Trojan at work'],
  ['unusual-client-port-connection', 2, 'Client used an unusual port'],
  ['network-scan', 3, 'Network scan'],
  ['denial-of-service', 2, 'Denial of service attack'],
  ['non-standard-protocol', 2, 'Protocol or event out of standard'],
  ['protocol-command-decode', 3, 'Protocol command decoded'],
  ['web-application-activity', 2, 'Access to a web application that may be vulnerable'],
  ['web-application-attack', 1, 'Attack on a web application'],
  ['misc-activity', 3, 'Various activity'],
  ['misc-attack', 2, 'Various attack'],
  ['icmp-event', 3, 'ICMP event'],
  ['inappropriate-content', 1, 'Inappropriate content'],
  ['policy-violation', 1, 'Possible breach of privacy or policy'],
  ['default-login-attempt', 2, 'Login with default name and password'],
  ['targeted-activity', 1, 'Targeted malicious activity'],
  ['exploit-kit', 1, 'Exploit kit at work'],
  ['external-ip-check', 2, 'Look-up of the own outside address'],
  ['domain-c2', 1, 'Domain used for command and control'],
  ['pup-activity', 2, 'Possibly unwanted program'],
  ['credential-theft', 1, 'Credential theft'],
  ['social-engineering', 2, 'Possible social engineering'],
  ['coin-mining', 2, 'Unwanted coin mining'],
  ['command-and-control', 1, 'Command and control traffic'],
  ['sdf', 2, 'Sensitive data in the traffic'],
  ['file-format', 1, 'Known malicious file or file exploit'],
  ['malware-cnc', 1, 'Malware command and control traffic'],
  ['client-side-exploit', 1, 'Exploit of a client'],
  ['tcp-event', 3, 'TCP event'],
]

export const DEFAULT_CLASSIFICATIONS: ReadonlyMap<string, Classification> = new Map(
  DEFAULTS.map(([name, priority, description]) => [name, { name, description, priority }]),
)
