/** Header of the requests that mark in the log where a test begins and ends. */
export const MARKER_HEADER = 'X-CRS-TEST'

/**
 * What CRS's documentation asks of an engine that runs its tests: detection only, paranoia 4, limits low
 * enough for the tests about limits, and a rule that logs the markers and nothing else of them. It is
 * loaded after `crs-setup.conf` and before the rules.
 */
export const TEST_SETUP = `
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecAction "id:900005,phase:1,nolog,pass,ctl:ruleEngine=DetectionOnly,\\
  setvar:tx.blocking_paranoia_level=4,setvar:tx.crs_validate_utf8_encoding=1,\\
  setvar:tx.arg_name_length=100,setvar:tx.arg_length=400,setvar:tx.total_arg_length=64000,\\
  setvar:tx.max_num_args=255,setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535"
SecRule REQUEST_HEADERS:${MARKER_HEADER} "@rx ^.*$" "id:999999,phase:1,pass,t:none,log,\\
  msg:'${MARKER_HEADER} %{MATCHED_VAR}',ctl:ruleRemoveById=1-999999"
`
