/**
 * What takes the place of the SDK's cache of discovered endpoints in a function's bundle (lib/stacks/bundle.ts). The
 * client of DynamoDB makes one and asks it only for operations whose endpoints are discovered, which no function calls;
 * the cache brings in a library of collections: 8 KiB of each.
 */
function leftOut(): never {
  throw new Error(
    'ENDPOINT_DISCOVERY_LEFT_OUT: The function calls an operation of AWS whose endpoint is discovered, and its bundle cannot. ' +
      'Nothing was sent. Take the alias of @aws-sdk/endpoint-cache out of lib/stacks/bundle-run.ts.',
  );
}

export class EndpointCache {
  readonly getEndpoint = leftOut;
  readonly get = leftOut;
  readonly set = leftOut;
  readonly delete = leftOut;
  readonly has = leftOut;
  readonly clear = leftOut;
}
