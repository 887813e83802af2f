/** Secrets that stand in tutorials and sample files: folded to lower case, letters and digits only, without digits at the end. */
const samples: ReadonlySet<string> = new Set([
  'secret',
  'secretkey',
  'mysecret',
  'mysecretkey',
  'mysupersecretkey',
  'jwtsecret',
  'jwtsecretkey',
  'gatewaysecret',
  'refreshsecret',
  'sharedsecret',
  'topsecret',
  'shhhhh',
  'keyboardcat',
  'password',
  'passw0rd',
  'default',
  'example',
  'test',
  'testsecret',
  'dev',
  'devsecret',
  'devsecretkey',
  'developmentsecret',
  'thisisasecret',
  'thisisasecretkey',
  'thisismysecretkey',
  'averysecretkey',
  'verysecretkey',
  // The samples of jwt.io, old and new.
  'astringsecretatleast256bitslong',
  'avalidstringsecretthatisatleast512bitslongwhichisverylong',
  'qwertyuiopasdfghjklzxcvbnm',
]);

/** What a placeholder begins with, folded. */
const placeholderStarts =
  /^(?:your?(?:own)?(?:super|very|jwt|gateway|refresh|shared|strong|random|\d+bit)*(?:secret|key)|supersecret|changeme|changethis|changeit|replaceme|replacethis|replacewith|insertyour|puty?our)/;

/** What a placeholder says somewhere, folded. */
const placeholderWords = /change(?:me|this|it)?inprod(?:uction)?|donotuseinprod(?:uction)?|replaceinprod(?:uction)?/;

/**
 * True for the well-known sample secrets (`secret`, `changeme`, `your-256-bit-secret`, `supersecret…`,
 * `your-super-secret-jwt-key-change-in-production` …), in any case and punctuation, with digits behind, or repeated to length.
 */
export const isSampleSecret = (text: string): boolean => {
  const folded = text.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (placeholderStarts.test(folded) || placeholderWords.test(folded)) return true;
  const bare = folded.replace(/\d+$/, '');
  return (
    samples.has(folded) || samples.has(bare) || samples.has(smallestPeriod(folded)) || samples.has(smallestPeriod(bare))
  );
};

/** `secretsecretsecret` -> `secret`: a sample that was only repeated to reach the length. */
const smallestPeriod = (text: string): string => {
  const period = `${text}${text}`.indexOf(text, 1);
  return text.slice(0, period);
};
