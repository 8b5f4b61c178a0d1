import type { GatewayCore } from './core.ts';
import type { Fields } from './fields.ts';
import type { Session } from './session.ts';

/** Answers one message; its id has been read. Throws `ProtocolError` when the message is malformed. */
export type Handler = (core: GatewayCore, session: Session, fields: Fields) => void;

/** The text of error 200. */
export const notFound = 'No security definition has been found for the request';
