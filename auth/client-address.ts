import { identityHeaders } from '@sallyport/contract';
import type { AssertionVerifier } from '@sallyport/verify';

export interface AddressedRequest {
  readonly method: string;
  /** As received on the wire. */
  readonly target: string;
  readonly assertion: string | undefined;
  readonly socketAddress: string | undefined;
}

export interface JudgedClient {
  readonly address: string | undefined;
  /** The gateway vouches for the request: what it says of the trace is no stranger's wish. */
  readonly byGateway: boolean;
}

/** The client's address: from a valid gateway assertion, else from the socket. No forwarded header is ever believed here. */
export const createClientAddress = (
  assertions: AssertionVerifier | undefined,
): ((request: AddressedRequest) => JudgedClient) =>
  function clientAddress({ method, target, assertion, socketAddress }) {
    if (assertions !== undefined && assertion !== undefined) {
      const verified = assertions.verify(assertion, { method, target });
      if (verified.ok) return { address: verified.identity.clientAddress, byGateway: true };
    }
    return { address: plainAddress(socketAddress), byGateway: false };
  };

export const assertionHeader = identityHeaders.assertion;

/** IPv4 that came in over an IPv6 socket is IPv4. */
const plainAddress = (address: string | undefined): string | undefined =>
  address?.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address;
