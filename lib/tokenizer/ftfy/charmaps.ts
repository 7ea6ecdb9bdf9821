/**
 * The single-byte encodings that text is most often misread in, in the order in which ftfy tries them.
 * Bytes travel as "binary strings" (one UTF-16 unit, 0 to 255, a byte) so that regular expressions work on them.
 */

export type Charmap = {
  name: string
  /** Bytes 0x80 to 0xFF as characters; unassigned bytes stand for the Latin-1 control of the same number. */
  high: string
  /** Byte 0x1A stands for U+FFFD, so that text with replacement characters can still be taken back to bytes. */
  sloppy: boolean
  canEncode(text: string): boolean
  /** @param text must satisfy canEncode */
  encode(text: string): string
}

const SUBSTITUTE = '\x1a'

function charmap(name: string, high: string, { sloppy }: { sloppy: boolean }): Charmap {
  const byteOf = new Map<string, string>()
  for (let i = 0; i < 128; i++) byteOf.set(high[i]!, String.fromCharCode(128 + i))
  byteOf.set(sloppy ? '\ufffd' : SUBSTITUTE, SUBSTITUTE)
  const isEncodable = (c: string) => byteOf.has(c) || (c < '\x80' && c !== SUBSTITUTE)
  return {
    name,
    high,
    sloppy,
    canEncode: (text) => {
      for (let i = 0; i < text.length; i++) if (!isEncodable(text[i]!)) return false
      return true
    },
    encode: (text) => {
      let bytes = ''
      for (let i = 0; i < text.length; i++) bytes += byteOf.get(text[i]!) ?? text[i]!
      return bytes
    },
  }
}

const C1 = String.fromCharCode(...Array.from({ length: 32 }, (_, i) => 128 + i))
const LATIN_1 = String.fromCharCode(...Array.from({ length: 128 }, (_, i) => 128 + i))

export const CHARMAPS: readonly Charmap[] = [
  charmap('latin-1', LATIN_1, { sloppy: false }),
  charmap(
    'windows-1252',
    '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ' +
      '\xa0¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿' +
      'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞß' +
      'àáâãäåæçèéêëìíîïðñòóôõö÷øùúûüýþÿ',
    { sloppy: true },
  ),
  charmap(
    'windows-1251',
    'ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\x98™љ›њќћџ' +
      '\xa0ЎўЈ¤Ґ¦§Ё©Є«¬\xad®Ї°±Ііґµ¶·ё№є»јЅѕї' +
      'АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯ' +
      'абвгдежзийклмнопрстуфхцчшщъыьэюя',
    { sloppy: true },
  ),
  charmap(
    'windows-1250',
    '€\x81‚\x83„…†‡\x88‰Š‹ŚŤŽŹ\x90‘’“”•–—\x98™š›śťžź' +
      '\xa0ˇ˘Ł¤Ą¦§¨©Ş«¬\xad®Ż°±˛ł´µ¶·¸ąş»Ľ˝ľż' +
      'ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß' +
      'ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙',
    { sloppy: true },
  ),
  charmap(
    'windows-1253',
    '€\x81‚ƒ„…†‡\x88‰\x8a‹\x8c\x8d\x8e\x8f\x90‘’“”•–—\x98™\x9a›\x9c\x9d\x9e\x9f' +
      '\xa0΅Ά£¤¥¦§¨©ª«¬\xad®―°±²³΄µ¶·ΈΉΊ»Ό½ΎΏ' +
      'ΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡÒΣΤΥΦΧΨΩΪΫάέήί' +
      'ΰαβγδεζηθικλμνξοπρςστυφχψωϊϋόύώÿ',
    { sloppy: true },
  ),
  charmap(
    'windows-1254',
    '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8d\x8e\x8f\x90‘’“”•–—˜™š›œ\x9d\x9eŸ' +
      '\xa0¡¢£¤¥¦§¨©ª«¬\xad®¯°±²³´µ¶·¸¹º»¼½¾¿' +
      'ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞß' +
      'àáâãäåæçèéêëìíîïğñòóôõö÷øùúûüışÿ',
    { sloppy: true },
  ),
  charmap(
    'windows-1257',
    '€\x81‚\x83„…†‡\x88‰\x8a‹\x8c¨ˇ¸\x90‘’“”•–—\x98™\x9a›\x9c¯˛\x9f' +
      '\xa0¡¢£¤¥¦§Ø©Ŗ«¬\xad®Æ°±²³´µ¶·ø¹ŗ»¼½¾æ' +
      'ĄĮĀĆÄÅĘĒČÉŹĖĢĶĪĻŠŃŅÓŌÕÖ×ŲŁŚŪÜŻŽß' +
      'ąįāćäåęēčéźėģķīļšńņóōõö÷ųłśūüżž˙',
    { sloppy: true },
  ),
  charmap(
    'iso-8859-2',
    C1 +
      '\xa0Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\xadŽŻ°ą˛ł´ľśˇ¸šşťź˝žż' +
      'ŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢß' +
      'ŕáâăäĺćçčéęëěíîďđńňóôőö÷řůúűüýţ˙',
    { sloppy: false },
  ),
  charmap(
    'macroman',
    'ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü' +
      '†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø' +
      '¿¡¬√ƒ≈∆«»…\xa0ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ' +
      '‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uf8ffÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ',
    { sloppy: false },
  ),
  charmap(
    'cp437',
    'ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ' +
      'áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐' +
      '└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀' +
      'αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\xa0',
    { sloppy: false },
  ),
]

/** The encoding called `name`; the list above is closed, so a wrong name is a mistake in this folder. */
export function charmapNamed(name: string): Charmap {
  const found = CHARMAPS.find((c) => c.name === name)
  if (!found) throw new RangeError(`No charmap is called ${name}`)
  return found
}
