import type { RuleSetEntry } from '#signatures/seclang/model.ts'
import { type LoadedRules, loadRuleText } from '#signatures/seclang/load.ts'
import type { RuleFiles } from '#signatures/seclang/rule-files.ts'
import { ARGUMENTS_LIMIT_VARIABLE } from './settings.ts'

/** Ids of ModSecurity's recommended `modsecurity.conf`: a rule set that has any of them brings its own. */
const FIRST_ID = 200_000
const LAST_ID = 200_099

/**
 * What every WAF does unless its rules say otherwise: a body that cannot be read for certain is refused,
 * because the server might read it differently. The numbers are those under which users know (and
 * exclude) the same checks from ModSecurity.
 */
const TEXT = String.raw`
SecRule REQBODY_ERROR "!@eq 0" "id:200002,phase:2,deny,status:400,log,t:none,\
  severity:CRITICAL,tag:'attack-protocol',\
  msg:'The request body could not be read',logdata:'%{REQBODY_ERROR_MSG}'"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" "id:200003,phase:2,deny,status:400,log,t:none,\
  severity:CRITICAL,tag:'attack-protocol',\
  msg:'The multipart body can be read in more than one way',\
  logdata:'error %{REQBODY_PROCESSOR_ERROR}, boundary quoted %{MULTIPART_BOUNDARY_QUOTED}, \
boundary whitespace %{MULTIPART_BOUNDARY_WHITESPACE}, data before %{MULTIPART_DATA_BEFORE}, \
data after %{MULTIPART_DATA_AFTER}, header folding %{MULTIPART_HEADER_FOLDING}, \
bare line feeds %{MULTIPART_LF_LINE}, missing semicolon %{MULTIPART_MISSING_SEMICOLON}, \
invalid quoting %{MULTIPART_INVALID_QUOTING}, invalid part %{MULTIPART_INVALID_PART}, \
invalid folding %{MULTIPART_INVALID_HEADER_FOLDING}, file limit %{MULTIPART_FILE_LIMIT_EXCEEDED}'"
SecRule MULTIPART_UNMATCHED_BOUNDARY "@eq 1" "id:200004,phase:2,deny,status:400,log,t:none,\
  severity:WARNING,tag:'attack-protocol',\
  msg:'A line of the multipart body looks like a boundary and is none'"
SecRule &ARGS "@ge %{tx.${ARGUMENTS_LIMIT_VARIABLE}}" "id:200007,phase:2,deny,status:400,log,t:none,\
  severity:CRITICAL,tag:'attack-protocol',\
  msg:'More arguments than are inspected'"
`

/** Entries to put before a rule set's own; none when the set has such rules itself. */
export function builtInRules(loaded: LoadedRules, files: RuleFiles): readonly RuleSetEntry[] {
  const bringsOwn = loaded.ruleSet.entries.some(
    (entry) => entry.kind === 'rule' && entry.rule.id >= FIRST_ID && entry.rule.id <= LAST_ID,
  )
  if (bringsOwn) return []
  return loadRuleText('built-in', TEXT, files).ruleSet.entries
}
