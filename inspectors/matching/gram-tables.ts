/**
 * Tables of a gram filter; `gram-filter.ts` says how they are read.
 *
 * A pattern is entered once for each place that a step of the scan may meet it at: with steps of four bytes
 * its four grams in a row. Which four of a long pattern is free, so those are taken that are rare in text and
 * that no other pattern has taken.
 */

export type GramBytes = 2 | 3 | 4

/** Grams of one size, looked for at every `step` bytes. */
export interface GramTable {
  readonly size: GramBytes
  /**
   * Bits of word `hash >>> 5` are set for each gram. Of grams of four bytes: `laneBits`; of shorter ones: `hash & 31` and
   * `(product >>> SECOND_SHIFT) & 31`.
   */
  readonly bits: Int32Array
  /** Hashes are the top bits of a product: `>>> shift`. */
  readonly shift: number
  /** Hashes with the same `hash >>> bucketShift` are one bucket. */
  readonly bucketShift: number
  /** The entries of bucket b are `bucketStart[b]` up to `bucketStart[b + 1]`. */
  readonly bucketStart: Int32Array
  /**
   * ENTRY_WORDS for each entry, beside each other in a cache line: the gram; pattern and place of the gram in it
   * (`id * MAX_PATTERN_BYTES + offset`); another gram of the pattern, which most texts that have the first have not;
   * the distance from the first to that.
   */
  readonly entries: Int32Array
}

export const ENTRY_WORDS = 4

/** Longest pattern; of a longer text a part is looked for. */
export const MAX_PATTERN_BYTES = 64
/** Of `id * MAX_PATTERN_BYTES + offset`. */
export const PLACE_BITS = 31 - Math.clz32(MAX_PATTERN_BYTES)
export const PLACE_MASK = MAX_PATTERN_BYTES - 1
/**
 * Bytes with this bit get that below it too, which makes the letters of both cases equal (and some other bytes,
 * which does no harm): `gram | ((gram & FOLD) >>> 1)`.
 */
export const FOLD = 0x4040_4040
export const MULTIPLIER = 0x9e37_79b1
/** Bits of the product below those of the hash. */
export const SECOND_SHIFT = 8
/** Of the product whose bits tell which are set for a gram of four bytes. */
export const LANE_MULTIPLIER = 0x85eb_ca6b
export const LANE_SHIFT = 5
/** Entries of a bucket, in the mean. */
const BUCKET_ENTRIES = 2
/** Bits of the filter for each gram that is in it: one place in 200 is looked at in vain. */
const BITS_PER_GRAM = 24
const MIN_HASH_BITS = 10
const MAX_HASH_BITS = 19

/** From the most common byte of HTTP and HTML down; what is missing is rare. */
const COMMON = ' etaoinrslcdupmhg/-.="b0fv1w;k:,2y35486<>97x_j\r\nqz%&+?\'"()*{}#[]!@|\\~$`^\t'
/** Whose grams every request and page has. */
const USUAL =
  ' http://www. https:// http/1.1\r\nhost: user-agent: mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 ' +
  '(khtml, like gecko) chrome/126.0.0.0 safari/537.36 gecko/20100101 firefox/ (macintosh; intel mac os x 10_15_7) ' +
  'mobile/ linux; android (iphone; cpu iphone os like mac os x)\r\naccept: text/html,application/xhtml+xml,application/xml;' +
  'q=0.9,image/webp,*/*;q=0.8\r\naccept-language: en-us,en;q=0.5\r\naccept-encoding: gzip, deflate, br\r\nreferer: ' +
  'connection: keep-alive\r\ncookie: session= \r\ncontent-type: application/x-www-form-urlencoded; charset=utf-8\r\n' +
  'content-length: cache-control: max-age=0 no-cache\r\npragma: upgrade-insecure-requests: 1\r\ndate: mon, tue, wed, thu, fri, ' +
  'gmt\r\nserver: nginx apache etag: "last-modified: expires: set-cookie: path=/; httponly; secure\r\nlocation: vary: ' +
  'transfer-encoding: chunked application/json application/javascript image/png image/jpeg image/gif ' +
  '<!doctype html> <html lang="en"><head><meta name="viewport" content="width=device-width"><title></title>' +
  '<link rel="stylesheet" href=" .css <script src=" .js </script></head><body class=" <div id=" </div><a href=" ' +
  '</a><p></p><span></span><table><tr><td></td></tr></table><form action=" method="post"><input type=" value=" ' +
  '</form><ul><li></li></ul><img src=" .png .jpg .gif .html .php? .com/ .net/ .org/ function( return document. window. ' +
  'var this. null true false index.php /index.html /images/ /assets/ /static/ /api/ &id= ?id= and the of to in for is ' +
  'get /post /head / 200 ok 301 302 found 304 404 not found http/1.0 accept: */*\r\ntext/css text/plain text/xml keep-alive ' +
  'content-type: text/html x-requested-with: xmlhttprequest origin: gzip\r\n' +
  'ing tion ment ation information this that with from your you are have not all new page home search contact about'

/** Words of pages, programs and their data: not in all of them, but in many. */
const FREQUENT =
  'about account action address admin agent application archive article asset author background banner base block ' +
  'blog body book border bottom browser button cache call cart category center change chat check class click client ' +
  'close cloud code color comment common company config connect contact container content control copy count ' +
  'country create credit custom data database date default delete description design detail device digital direct ' +
  'display document domain download edit email enable error event example export external feature feed field file ' +
  'filter find first flash float font footer form format forum frame free function game general global google group ' +
  'guest guide head header height help hidden history home host hour icon image import include index info input ' +
  'install interface item javascript jquery keyword label language last latest layout left level library license ' +
  'light limit line link list live load local location login logo mail main manage margin market max media member ' +
  'menu message meta method mobile mode model module money month more name navigation network news next none note ' +
  'number object offer office online open option order origin other page param parent partner password path payment ' +
  'person phone photo picture place plan platform play plugin point policy popular position post power price print ' +
  'privacy private product profile program project property public query question radio rate read reference ' +
  'register remote remove report request require research reset resource response result return review right route ' +
  'sale save school science screen script search section secure select send server service session setting share ' +
  'shop show side sign simple site size small social software solution sort source space special standard start ' +
  'state static status store story stream street string student style submit success summary support system table ' +
  'target task team template term test text theme time title today token tool topic total track trade travel tree ' +
  'type update upload user username value version video view visit wait warning watch water week weight widget ' +
  'width window wordpress work world write year ' +
  '<a href="http:// </a> </p> </h2> </div></div> ="> "></div> return ){return }, function(){ ){if( );} var  = != null ) && ( || ' +
  '":" ":{" ":["  "},{" "],"  ": " {" [{" 0px; color:#fff; background-color: :none; }\n</style> .</p> \n\n \r\n\r\n \0\0\0\0 '

const COMMON_RANK = ranks()
const USUAL_COST = 60
const FREQUENT_COST = 30
/** Cost of a gram that so many entries have already. */
const SHARED_COST = 12
/** Cost of a gram of 3 bytes for each thousandth of text that its first two make the scan look at. */
const LOOK_COST = 12

function foldedByte(place: number): number {
  const byte = COMMON.charCodeAt(place)
  return byte | ((byte & FOLD & 0xff) >>> 1)
}

/** 0 for a byte that text rarely has, the more the more common it is. */
export function commonness(byte: number): number {
  return COMMON_RANK[byte | ((byte & FOLD & 0xff) >>> 1)]
}

function ranks(): Uint8Array {
  const rank = new Uint8Array(256)
  for (let place = 0; place < COMMON.length; place += 1)
    rank[foldedByte(place)] = Math.max(rank[foldedByte(place)], COMMON.length - place)
  return rank
}

/** Little-endian, folded: byte i of the gram is `(gram >>> 8 * i) & 0xff`. */
function gramAt(textLatin1: string, at: number, size: GramBytes): number {
  let gram = 0
  for (let index = size - 1; index >= 0; index -= 1)
    gram = (gram << 8) | textLatin1.charCodeAt(at + index)
  return gram | ((gram & FOLD) >>> 1)
}

/** How often two bytes, folded, follow each other in a thousand of usual and frequent text. */
const pairRates = ratesOfPairs(`${USUAL} ${FREQUENT}`)

function ratesOfPairs(text: string): Float32Array {
  const rates = new Float32Array(65_536)
  for (let at = 0; at + 2 <= text.length; at += 1) rates[gramAt(text, at, 2)] += 1000 / text.length
  return rates
}

type GramSets = Readonly<Record<GramBytes, ReadonlySet<number>>>

const usualGrams = gramsOf(USUAL)
const frequentGrams = gramsOf(FREQUENT)

function gramsOf(text: string): GramSets {
  const sets = { 2: new Set<number>(), 3: new Set<number>(), 4: new Set<number>() }
  for (const size of [2, 3, 4] as const)
    for (let at = 0; at + size <= text.length; at += 1) sets[size].add(gramAt(text, at, size))
  return sets
}

/** True when each line of a text, latin1, is made of runs of bytes that almost every request or page has. */
export function isUsualText(text: string): boolean {
  return text.toLowerCase().split('\r\n').every(isUsualLine)
}

function isUsualLine(line: string): boolean {
  const size = line.length >= 4 ? 4 : line.length === 3 ? 3 : 2
  for (let at = 0; at + size <= line.length; at += 1)
    if (!usualGrams[size].has(gramAt(line, at, size))) return false
  return true
}

/**
 * @param patterns latin1, ASCII letters in lower case, each at least `size + step - 1` bytes
 * @param ids what the scan reports for each
 */
export function buildGramTable(
  patterns: readonly string[],
  ids: readonly number[],
  size: GramBytes,
  step: 1 | 2 | 4,
): GramTable {
  const taken = new Map<number, number>()
  /** First two bytes of grams of 3: looked at already, they cost the next nothing. */
  const looked = new Set<number>()
  const drafts: Entry[] = []
  for (const index of fewestChoicesFirst(patterns, size)) {
    const pattern = patterns[index]
    const first = cheapest(pattern, size, step, taken, looked)
    for (let offset = first; offset < first + step; offset += 1) {
      const gram = gramAt(pattern, offset, size)
      taken.set(gram, (taken.get(gram) ?? 0) + 1)
      if (size === 3) looked.add(gram & 0xffff)
      const second = secondGram(pattern, offset, size)
      drafts.push({
        gram,
        place: ids[index] * MAX_PATTERN_BYTES + offset,
        second: gramAt(pattern, second, size),
        distance: second - offset,
      })
    }
  }
  return { size, ...arrange(drafts, size) }
}

/** Of short patterns the shortest can be looked for at one place alone: the others go by what that looks at. */
function fewestChoicesFirst(patterns: readonly string[], size: GramBytes): readonly number[] {
  const indices = [...patterns.keys()]
  return size === 3
    ? indices.sort((left, right) => patterns[left].length - patterns[right].length)
    : indices
}

/** Place of the `step` grams in a row that text and other patterns have least. */
function cheapest(
  pattern: string,
  size: GramBytes,
  step: number,
  taken: ReadonlyMap<number, number>,
  looked: ReadonlySet<number>,
): number {
  const count = pattern.length - size + 1
  const costs = new Float64Array(count)
  for (let at = 0; at < count; at += 1) {
    const gram = gramAt(pattern, at, size)
    let cost = SHARED_COST * (taken.get(gram) ?? 0)
    if (usualGrams[size].has(gram)) cost += USUAL_COST
    else if (size > 2 && frequentGrams[size].has(gram)) cost += FREQUENT_COST
    for (let index = 0; index < size; index += 1)
      cost += COMMON_RANK[(gram >>> (8 * index)) & 0xff] / size
    const pair = gram & 0xffff
    if (size === 3 && !looked.has(pair)) cost += LOOK_COST * pairRates[pair]
    costs[at] = cost
  }
  let best = 0
  let bestCost = Infinity
  for (let first = 0; first + step <= count; first += 1) {
    let cost = 0
    for (let at = first; at < first + step; at += 1) cost += costs[at] * costs[at]
    if (cost >= bestCost) continue
    best = first
    bestCost = cost
  }
  return best
}

interface Entry {
  readonly gram: number
  readonly place: number
  readonly second: number
  readonly distance: number
}

/** Place of a gram that has as few bytes as can be in common with that at `first`. */
function secondGram(pattern: string, first: number, size: GramBytes): number {
  const last = pattern.length - size
  return first * 2 > last ? Math.max(0, first - size) : Math.min(last, first + size)
}

/** One bit in each byte: a scan finds those of four grams at a time by looking bytes up. */
function laneBits(gram: number): number {
  const product = Math.imul(gram, LANE_MULTIPLIER) >>> LANE_SHIFT
  let bits = 0
  for (let byte = 0; byte < 32; byte += 8) bits |= 1 << (byte + ((product >>> byte) & 7))
  return bits
}

function arrange(drafts: readonly Entry[], size: GramBytes): Omit<GramTable, 'size'> {
  const bitsFor = (count: number): number => Math.ceil(Math.log2(Math.max(1, count)))
  const hashBits = Math.min(
    MAX_HASH_BITS,
    Math.max(MIN_HASH_BITS, bitsFor(drafts.length * BITS_PER_GRAM)),
  )
  const bucketBits = Math.min(hashBits, bitsFor(drafts.length / BUCKET_ENTRIES))
  const shift = 32 - hashBits
  const bucketShift = hashBits - bucketBits
  const bits = new Int32Array(1 << (hashBits - 5))
  const bucketStart = new Int32Array((1 << bucketBits) + 1)
  const hashOf = (gram: number): number => Math.imul(gram, MULTIPLIER) >>> shift
  for (const { gram } of drafts) {
    const hash = hashOf(gram)
    bits[hash >>> 5] |=
      size === 4
        ? laneBits(gram)
        : (1 << (hash & 31)) | (1 << ((Math.imul(gram, MULTIPLIER) >>> SECOND_SHIFT) & 31))
    bucketStart[(hash >>> bucketShift) + 1] += 1
  }
  for (let bucket = 1; bucket < bucketStart.length; bucket += 1)
    bucketStart[bucket] += bucketStart[bucket - 1]
  const filled = Int32Array.from(bucketStart)
  const entries = new Int32Array(drafts.length * ENTRY_WORDS)
  for (const { gram, place, second, distance } of drafts) {
    const at = filled[hashOf(gram) >>> bucketShift]++
    entries.set([gram, place, second, distance], at * ENTRY_WORDS)
  }
  return { bits, shift, bucketShift, bucketStart, entries }
}
