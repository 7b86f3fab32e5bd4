/** Why a packet was stopped, with EVE's names. */
export type DropReason =
  | 'rules'
  | 'applayer error'
  | 'threshold detection_filter'
  | 'flow drop'
  | 'stream error'
  | 'stream memcap'
  | 'stream midstream'
  | 'stream reassembly'
  | 'stream urgent'
  | 'exception policy flow drop'

/** How a reason is named among the counters. */
export const DROP_COUNTERS: Readonly<Record<DropReason, string>> = {
  rules: 'rules',
  'applayer error': 'applayer_error',
  'threshold detection_filter': 'threshold_detection_filter',
  'flow drop': 'flow_drop',
  'stream error': 'stream_error',
  'stream memcap': 'stream_memcap',
  'stream midstream': 'stream_midstream',
  'stream reassembly': 'stream_reassembly',
  'stream urgent': 'stream_urgent',
  'exception policy flow drop': 'flow_drop',
}
