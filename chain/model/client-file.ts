import { type Static, Type } from 'typebox'

/** Name of the file in the data folder that tells local commands where the API is. */
export const CLIENT_FILE = 'client.json'

/** What the manager writes to `<data>/client.json` when it listens. */
export const ClientFile = Type.Object(
  {
    /** `http://127.0.0.1:8470` */
    url: Type.String(),
    /** Absolute path of a file (mode 0600) that holds the bearer token. */
    tokenFile: Type.String(),
  },
  { additionalProperties: false },
)
export type ClientFile = Static<typeof ClientFile>
