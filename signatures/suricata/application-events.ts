/**
 * Names of what the parsers of application protocols find wrong: arguments of `app-layer-event`. Raised ones are
 * told by our parsers; the others are known names that nothing here tells of, and a rule that asks for one
 * could never match: it is rejected.
 */
const RAISED: Readonly<Record<string, string>> = {
  http:
    'missing_host_header host_header_ambiguous request_header_host_invalid uri_host_invalid ' +
    'header_host_invalid duplicate_content_length_field_in_request ' +
    'duplicate_content_length_field_in_response invalid_content_length_field_in_request ' +
    'invalid_content_length_field_in_response invalid_transfer_encoding_value_in_request ' +
    'invalid_transfer_encoding_value_in_response request_header_repetition response_header_repetition ' +
    'request_auth_unrecognized double_encoded_uri method_delim_non_compliant uri_delim_non_compliant ' +
    'request_line_leading_whitespace request_field_missing_colon response_field_missing_colon ' +
    'invalid_request_field_folding invalid_response_field_folding request_header_invalid ' +
    'response_header_invalid abnormal_ce_header too_many_encoding_layers response_invalid_protocol ' +
    'response_invalid_status response_multipart_byteranges response_chunked_old_proto ' +
    'response_abnormal_transfer_encoding request_chunk_extension invalid_request_chunk_len ' +
    'invalid_response_chunk_len unable_to_match_response_to_request request_body_unexpected',
  dns:
    'malformed_data not_a_request not_a_response z_flag_set invalid_opcode name_too_long infinite_loop ' +
    'too_many_labels invalid_additionals invalid_authorities',
}

const SILENT: Readonly<Record<string, string>> = {
  http:
    'unknown_error 100_continue_already_seen invalid_server_port_in_request invalid_authority_port ' +
    'request_field_too_long response_field_too_long request_server_port_tcp_port_mismatch ' +
    'lzma_memlimit_reached compression_bomb compression_bomb_double_lzma multipart_generic_error ' +
    'multipart_no_filedata multipart_invalid_header too_many_warnings range_invalid file_name_too_long ' +
    'failed_protocol_change request_uri_not_seen request_line_incomplete request_line_invalid ' +
    'response_header_name_not_token response_body_internal_error lzma_disabled ' +
    'gzip_decompression_failed',
  tls:
    'invalid_sslv2_header invalid_tls_header invalid_record_version invalid_record_type ' +
    'invalid_handshake_message heartbeat_message invalid_heartbeat_message overflow_heartbeat_message ' +
    'dataleak_heartbeat_mismatch handshake_invalid_length multiple_sni_extensions invalid_sni_type ' +
    'invalid_sni_length too_many_records_in_packet invalid_alert_message invalid_certificate ' +
    'certificate_invalid_length certificate_invalid_version certificate_invalid_serial ' +
    'certificate_invalid_algorithmidentifier certificate_invalid_x509name certificate_invalid_date ' +
    'certificate_invalid_extensions certificate_invalid_der certificate_invalid_subject ' +
    'certificate_invalid_issuer certificate_invalid_validity error_message_encountered ' +
    'invalid_ssl_record invalid_certificate_message',
}

/** Told of the connection itself, whatever it speaks. */
const CONNECTION = new Set([
  'applayer_mismatch_protocol_both_directions',
  'applayer_wrong_direction_first_data',
  'applayer_detect_protocol_only_one_direction',
  'applayer_proto_detection_skipped',
])
const SILENT_CONNECTION = ['applayer_no_tls_after_starttls', 'applayer_unexpected_protocol']

const RAISED_NAMES = namesOf(RAISED)
const SILENT_NAMES = new Set([...namesOf(SILENT), ...SILENT_CONNECTION])

/** `unknown`: there is no such event; `silent`: there is, and nothing tells of it here. */
export function applicationEventKind(name: string): 'raised' | 'silent' | 'unknown' {
  if (RAISED_NAMES.has(name) || CONNECTION.has(name)) return 'raised'
  return SILENT_NAMES.has(name) ? 'silent' : 'unknown'
}

/** Protocol whose parser tells of the event; null: it is about the connection. */
export function applicationOfEvent(name: string): string | null {
  return CONNECTION.has(name) ? null : name.slice(0, name.indexOf('.'))
}

function namesOf(table: Readonly<Record<string, string>>): ReadonlySet<string> {
  return new Set(
    Object.entries(table).flatMap(([application, names]) =>
      names.split(' ').map((name) => `${application}.${name}`),
    ),
  )
}
