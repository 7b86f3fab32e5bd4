/** A rule set as it is stored and sent: a tar.gz whose bytes depend on its files alone. */
export interface Bundle {
  readonly bytes: Buffer
  /** 64 hex digits. */
  readonly sha256: string
  /** First 16 hex digits of `sha256`. */
  readonly version: string
}

/** Bounds of a bundle, for packing and unpacking alike. CRS has 60 files and 1 MB, ET Open 40 MB in one. */
export const MAX_BUNDLE_BYTES = 32 * 1024 * 1024
export const MAX_BUNDLE_UNPACKED_BYTES = 128 * 1024 * 1024
export const MAX_BUNDLE_FILE_BYTES = 64 * 1024 * 1024
export const MAX_BUNDLE_FILES = 4_096
export const MAX_BUNDLE_PATH_BYTES = 255
export const MAX_BUNDLE_DEPTH = 8
