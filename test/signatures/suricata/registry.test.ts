import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { KEYWORDS } from '#signatures/suricata/keywords/registry.ts'
import { parseRules } from '#signatures/suricata/parse-rules.ts'

describe('keyword registry', () => {
  it('has every name once, and words for people', () => {
    const names = KEYWORDS.flatMap((row) => [row.name, ...row.aliases])
    assert.equal(new Set(names).size, names.length)
    for (const row of KEYWORDS) assert.ok(row.summary.length > 3, row.name)
  })

  it('refuses an argument where none belongs, and asks for one that is needed', () => {
    for (const row of KEYWORDS) {
      if (row.argument === 'optional') continue
      const argument = row.argument === 'none' ? ':x' : ''
      const { errors } = parseRules(
        `alert ip any any -> any any (${row.name}${argument}; sid:1;)`,
        'a.rules',
      )
      assert.equal(errors[0]?.code, 'bad-argument', row.name)
    }
  })

  const valid: readonly string[] = [
    'content:"a"; offset:1; depth:5',
    'content:"a"; content:"b"; distance:-4; within:10',
    'content:"a"; startswith; content:!"b"; endswith',
    'content:"abcdef"; fast_pattern:1,3',
    'content:"a"; fast_pattern:only',
    'byte_test:4,>,1024,0,relative,little',
    'byte_test:1,!&,128,6,relative',
    'byte_test:5,=,12345,0,string,dec',
    'byte_jump:4,-10,relative,little,from_beginning,post_offset -1',
    'byte_jump:2,0,multiplier 2,align,bitmask 0x0ff0',
    'byte_extract:2,0,len,relative; content:"x"; within:len',
    'byte_math:bytes 2, offset 0, oper +, rvalue 4, result sum; isdataat:sum,relative',
    'isdataat:!1,relative',
    'dsize:10<>20',
    'dsize:!0',
    'flow:established,from_server,only_stream',
    'flowbits:isset,a|b',
    'flowbits:noalert',
    'xbits:set,a,track ip_pair,expire 10',
    'hostbits:isset,a,dst',
    'flowint:n,+,1',
    'flowint:n,notset',
    'threshold:type both, count 1, seconds 60, track by_src',
    'detection_filter:track by_dst, count 4, seconds 20',
    'stream_size:both,<=,5',
    'app-layer-protocol:!http',
    'tag:session,5,packets',
    'flags:*FSR,12',
    'ttl:>220',
    'ip_proto:!1',
    'fragbits:MD',
    'ipopts:lsrr',
    'base64_decode:bytes 4, offset 1, relative; base64_data; content:"a"',
    'pcre:!"/a(?=b)c{2,}/Rism"',
    'tls.version:1.2',
    'tls_cert_expired',
    'tls_cert_valid',
    'tos:!8',
    'icmpv6.mtu:<1280',
    'tcpv4-csum:invalid',
    'threshold:type backoff, track by_flow, count 1, multiplier 10',
    'dcerpc.iface:12345678-1234-abcd-ef00-0123456789ab,>1,any_frag; dcerpc.opnum:1,2-4',
    'http.host; dataset:set,seen,type string,memcap 1mb,hashsize 2048',
    'http.host; datarep:rep,>,200,load a.lst,type string',
    'filename:"a"; fileext:"exe"; filesize:<100MB; filemd5:!list; filestore:request,tx',
    'app-layer-event:http.double_encoded_uri',
    'app-layer-event:applayer_proto_detection_skipped',
    'http.uri; xor:"0a ff"; content:"a"',
    'http.uri; xor:offset 2,extract 4 0; content:"a"',
    'http.uri; gunzip:max-size 8kb; content:"a"',
    'http.uri; zlib_deflate; content:"a"',
    'http.uri; subslice:-6,3,truncate; content:"a"',
    'alert; requires:version >= 7.0.4 < 8 | >= 8.0.3, keyword subslice',
    'flow.pkts:toclient,>=0x10',
    'flow.bytes_toserver:<3kb',
    'flow.age:!1-20',
    'app-layer-protocol:!tls|http,exact,either',
    'app-layer-protocol:unknown',
    'vlan.id:!200,1',
    'vlan.id:>100,all_or_absent,1:-1',
    'vlan.layers:&0x3!=2',
    'dns.opcode:!notify',
    'dns.rrtype:AAAA,nb>3',
    'dns.rcode:NXDOMAIN',
    'dns.rrtype:count 2',
    'tls.cert_chain_len:0<>4',
    'tls_cert_notbefore:2020-01<>2021-06-05 12:00',
    'stream-event:est_syn_resend',
    'decode-event:ipv6.rh_type_0',
    'http.uri; entropy:offset 1, value >= 4.5',
    'ssl_version:!sslv2',
    'priority:2; noalert; prefilter; rawbytes_',
  ]
  for (const options of valid) {
    const text = options.replace('; rawbytes_', '')
    it(`accepts ${text}`, () => {
      const { errors } = parseRules(
        `alert tcp any any -> any any (content:"z"; ${text}; sid:1;)`,
        'a.rules',
      )
      assert.deepEqual(errors, [])
    })
  }

  const invalid: readonly string[] = [
    'byte_test:9,>,1,0',
    'byte_test:1,~,1,0',
    'byte_test:1,>,1,0,align',
    'byte_jump:4,0,hex',
    'byte_extract:1,0,9x',
    'byte_math:bytes 1, offset 0, oper /, rvalue 0, result r',
    'isdataat:x',
    'dsize:2<>3',
    'flow:sideways',
    'flowbits:set',
    'flowbits:set,a|b',
    'xbits:set,a,track by_src',
    'flowint:n,?',
    'threshold:type never, track by_src, count 1, seconds 1',
    'threshold:type limit, track by_src, count 0, seconds 1',
    'stream_size:server,~,1',
    'app-layer-protocol:nonsense',
    'flags:X',
    'ip_proto:300',
    'tls.version:9',
    'udpv6-csum:maybe',
    'threshold:type backoff, track by_src, count 1, multiplier 10',
    'threshold:type backoff, track by_flow, count 1, seconds 10',
    'dcerpc.iface:1234',
    'dcerpc.opnum:5-3',
    'http.host; dataset:has,seen,type string',
    'http.host; dataset:isset,seen,type number',
    'http.host; dataset:isset,seen,type string,load ../x',
    'filesize:up,1',
    'filemd5:/etc/list',
    'filestore:both,everything',
    'app-layer-event:http.nonsense',
    'http.uri; xor:extract 0 0; content:"a"',
    'http.uri; xor:var key; content:"a"',
    'http.uri; gunzip:max-size 0; content:"a"',
    'http.uri; subslice:1,2,3; content:"a"',
    'flow.pkts:10',
    'app-layer-protocol:!unknown',
    'vlan.id:5000',
    'vlan.id:1,2,3',
    'dns.rrtype:NONSENSE',
    'vlan.id:&2=4',
    'tls_cert_notafter:soon',
    'stream-event:nonsense',
    'decode-event:nonsense',
    'http.uri; entropy:value 9',
    'http.uri; entropy:bytes 4',
    'base64_decode:bytes 0',
    'priority:0',
    'target:both',
  ]
  for (const options of invalid) {
    it(`rejects ${options}`, () => {
      const { errors } = parseRules(
        `alert tcp any any -> any any (content:"z"; ${options}; sid:1;)`,
        'a.rules',
      )
      assert.equal(errors.length, 1)
    })
  }
})
