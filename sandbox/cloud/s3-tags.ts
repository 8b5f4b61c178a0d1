import { ServiceError } from './aws-errors.ts';
import { elementsOf, textOf } from './s3-xml.ts';

/** Tags of one version of an object, by key. */
export type Tags = Readonly<Record<string, string>>;

const TAGS_MAX = 10;
const KEY_MAX = 128;
const VALUE_MAX = 256;

/** Of the header `x-amz-tagging` of PutObject: `key=value&key2=value2`, encoded as a URL's query. */
export function tagsOfHeader(header: string | string[] | undefined): Tags {
  return header === undefined ? {} : check([...new URLSearchParams(String(header))]);
}

/** Of the body of PutObjectTagging. */
export function tagsOfXml(xml: string): Tags {
  if (!/<Tagging[\s>]/.test(xml))
    throw new ServiceError(
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema',
    );
  return check(elementsOf(xml, 'Tag').map((tag) => [textOf(tag, 'Key') ?? '', textOf(tag, 'Value') ?? '']));
}

function check(pairs: readonly [string, string][]): Tags {
  if (pairs.length > TAGS_MAX)
    throw new ServiceError('BadRequest', `Object tags cannot be greater than ${TAGS_MAX}`);
  const tags: Record<string, string> = {};
  for (const [key, value] of pairs) {
    if (key === '' || key.length > KEY_MAX || key.startsWith('aws:'))
      throw new ServiceError('InvalidTag', 'The TagKey you have provided is invalid');
    if (value.length > VALUE_MAX)
      throw new ServiceError('InvalidTag', 'The TagValue you have provided is invalid');
    if (key in tags) throw new ServiceError('InvalidTag', 'Cannot provide multiple Tags with the same key');
    tags[key] = value;
  }
  return tags;
}
