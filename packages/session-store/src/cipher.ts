import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** Encrypts what is stored by the newest key, and decrypts what any key of the ring has encrypted. */
export interface Cipher {
  /** @param context What the text belongs to, in clear: it opens nowhere else */
  seal(text: string, context: string): Buffer
  /** @throws {Error} when no key opens it, or it belongs to something else */
  open(sealed: Uint8Array, context: string): string
}

const KEY_ID_BYTES = 8
const IV_BYTES = 12
const TAG_BYTES = 16

/**
 * AES-256-GCM with a random nonce. Each secret makes a key by HKDF; what is sealed begins with that key's id, so that the right one of
 * the ring is found at once.
 *
 * @param secrets The newest first
 */
export function createCipher(secrets: readonly string[]): Cipher {
  const keys = secrets.map((secret) => {
    const key = Buffer.from(hkdfSync('sha256', secret, '', 'holdfast session record', 32))
    return { key, id: createHash('sha256').update(key).digest().subarray(0, KEY_ID_BYTES) }
  })
  const [newest] = keys

  return {
    seal(text, context) {
      if (newest === undefined) throw new TypeError('A cipher has at least one key')
      const iv = randomBytes(IV_BYTES)
      const cipher = createCipheriv('aes-256-gcm', newest.key, iv).setAAD(Buffer.from(context))
      const sealed = [cipher.update(text, 'utf8'), cipher.final()]
      return Buffer.concat([newest.id, iv, cipher.getAuthTag(), ...sealed])
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
      const ivAt = KEY_ID_BYTES
      const tagAt = ivAt + IV_BYTES
      const textAt = tagAt + TAG_BYTES
      const key = keys.find(({ id }) => id.equals(bytes.subarray(0, ivAt)))?.key
      if (key === undefined || bytes.length < textAt) throw new Error('No key of encryptionKeys has encrypted this')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(ivAt, tagAt), { authTagLength: TAG_BYTES })
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(tagAt, textAt))
      return Buffer.concat([decipher.update(bytes.subarray(textAt)), decipher.final()]).toString()
    },
  }
}
