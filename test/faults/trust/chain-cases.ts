import type { CertificateOrder } from '../../lib/certificates.js';

type Part = Partial<CertificateOrder>;

/** A chain from its root down, and what must become of it. */
export interface ChainOrder {
  readonly name: string;
  /** What differs from a good chain of three: root, middle, leaf. */
  readonly root?: Part;
  readonly middle?: Part;
  /** Stands between middle and leaf. */
  readonly lower?: Part;
  readonly leaf?: Part;
  /** Made beside the chain; the leaf's issuer where it is named there. */
  readonly beside?: CertificateOrder;
  /** What the signature brings along, the leaf aside. Default: all but the root. */
  readonly sent?: readonly string[];
  /** Default: the root. */
  readonly trusted?: string;
  /** Judged so many days from now. Default: tomorrow. */
  readonly day?: number;
  /** Undefined: accepted; else what our sentence says. */
  readonly refused?: RegExp;
  /** We refuse what the reference accepts, and why. */
  readonly stricter?: string;
}

export const CA = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign';
export const LEAF =
  'basicConstraints=CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning';
/** Constraints on X.500 names need a section of their own. */
const underPlant = (kind: 'permitted' | 'excluded', name: string): string =>
  `${CA}\nnameConstraints=critical,${kind};dirName:names\n[names]\n${name}`;
const only = (constraint: string): string => `${CA}\nnameConstraints=critical,${constraint}`;
const named = (alternative: string): string => `${LEAF}\nsubjectAltName=${alternative}`;
const usage = (keyUsage: string, extended?: string): string =>
  [`keyUsage=${keyUsage}`, ...(extended === undefined ? [] : [`extendedKeyUsage=${extended}`])].join('\n');
const UNKNOWN = '1.2.3.4.5=critical,ASN1:UTF8String:anything';

export const GOOD: readonly ChainOrder[] = [
  { name: 'a root, an intermediate and a signer' },
  { name: 'a signer of an intermediate that is trusted itself', trusted: 'middle', sent: [] },
  { name: 'a path length that suffices', middle: { extensions: CA.replace('TRUE', 'TRUE,pathlen:0') } },
  { name: 'two intermediates', lower: {} },
  { name: 'RSA authorities of 2048 bits', root: { key: 'rsa-2048' }, middle: { key: 'rsa-2048' } },
  {
    name: 'an Ed25519 root over P-384',
    root: { key: 'ed25519' },
    middle: { key: 'P-384', digest: 'sha384' },
  },
  {
    name: 'an intermediate for code signing',
    middle: { extensions: `${CA}\nextendedKeyUsage=codeSigning` },
  },
  {
    name: 'a name below the permitted one, in another spelling',
    middle: { subject: '/O=Plant/CN=middle', extensions: underPlant('permitted', 'O=Plant') },
    leaf: { subject: '/O=PLANT /CN=signer' },
  },
  {
    name: 'a name beside the excluded one',
    middle: { extensions: underPlant('excluded', 'O=Plant') },
    leaf: { subject: '/O=Plants/CN=signer' },
  },
  {
    name: 'an address and a host below the permitted ones',
    middle: { extensions: only('permitted;email:plant.example,permitted;DNS:plant.example') },
    leaf: { extensions: named('email:signer@Plant.example,DNS:build.plant.example') },
  },
  {
    name: 'constraints on names that it does not have',
    middle: { extensions: only('permitted;IP:10.0.0.0/255.0.0.0,permitted;URI:plant.example') },
  },
];

export const BAD: readonly ChainOrder[] = [
  { name: 'a signer past its time', leaf: { days: 5 }, day: 10, refused: /CN=leaf has expired/ },
  { name: 'an intermediate past its time', middle: { days: 5 }, day: 10, refused: /CN=middle has expired/ },
  { name: 'a root past its time', root: { days: 5 }, day: 10, refused: /CN=root has expired/ },
  { name: 'a signer before its time', day: -3, refused: /not valid yet/ },
  {
    name: 'an authority that nobody trusts',
    trusted: 'beside',
    beside: { name: 'beside', extensions: CA },
    refused: /leads to no trusted/,
  },
  { name: 'an intermediate that is missing', sent: [], refused: /leads to no trusted/ },
  {
    name: 'an issuer of the right name and another key',
    beside: { name: 'beside', subject: '/CN=middle', issuer: 'root', extensions: CA },
    leaf: { issuer: 'beside' },
    refused: /leads to no trusted/,
  },
  {
    name: 'an intermediate that is no authority',
    middle: { extensions: 'basicConstraints=CA:FALSE' },
    refused: /not a certificate authority/,
  },
  {
    name: 'an intermediate without basic constraints',
    middle: { extensions: 'subjectKeyIdentifier=hash' },
    refused: /not a certificate authority/,
  },
  {
    name: 'an intermediate that may not sign certificates',
    middle: { extensions: 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,digitalSignature' },
    refused: /not a certificate authority|leads to no trusted/,
  },
  {
    name: 'one intermediate more than the root allows',
    root: { extensions: CA.replace('TRUE', 'TRUE,pathlen:0') },
    lower: {},
    refused: /may not issue authorities/,
  },
  {
    name: 'one intermediate more than another allows',
    middle: { extensions: CA.replace('TRUE', 'TRUE,pathlen:0') },
    lower: {},
    refused: /may not issue authorities/,
  },
  {
    name: 'a name outside the permitted one',
    middle: { extensions: underPlant('permitted', 'O=Plant') },
    leaf: { subject: '/O=Plants/CN=signer' },
    refused: /may not name/,
  },
  {
    name: 'an excluded name in another spelling',
    middle: { extensions: underPlant('excluded', 'O=Big Plant') },
    leaf: { subject: '/O=big  PLANT/CN=signer' },
    refused: /may not name/,
  },
  {
    name: 'an intermediate outside what the root permits',
    root: { extensions: underPlant('permitted', 'O=Plant') },
    leaf: { subject: '/O=Plant/CN=signer' },
    refused: /may not name/,
  },
  {
    name: 'a name outside what the root permits, two levels down',
    root: { extensions: underPlant('permitted', 'O=Plant') },
    middle: { subject: '/O=Plant/CN=middle' },
    refused: /may not name/,
  },
  {
    name: 'an alternative name in X.500 form outside the permitted',
    middle: { extensions: underPlant('permitted', 'O=Plant') },
    leaf: {
      subject: '/O=Plant/CN=signer',
      extensions: `${LEAF}\nsubjectAltName=dirName:other\n[other]\nO=Other`,
    },
    refused: /may not name/,
  },
  {
    name: 'a host outside the permitted',
    middle: { extensions: only('permitted;DNS:plant.example') },
    leaf: { extensions: named('DNS:notplant.example') },
    refused: /may not name/,
  },
  {
    name: 'a host as common name outside the permitted',
    middle: { extensions: only('permitted;DNS:plant.example') },
    leaf: { subject: '/CN=build.other.example' },
    refused: /may not name/,
  },
  {
    name: 'an excluded host',
    middle: { extensions: only('excluded;DNS:plant.example') },
    leaf: { extensions: named('DNS:build.PLANT.example') },
    refused: /may not name/,
  },
  {
    name: 'an address outside the permitted',
    middle: { extensions: only('permitted;email:plant.example') },
    leaf: { extensions: named('email:signer@build.plant.example') },
    refused: /may not name/,
  },
  {
    name: 'an excluded address in the subject',
    middle: { extensions: only('excluded;email:plant.example') },
    leaf: { subject: '/CN=signer/emailAddress=signer@plant.example' },
    refused: /may not name/,
  },
  {
    name: 'an IP address outside the permitted',
    middle: { extensions: only('permitted;IP:10.0.0.0/255.0.0.0') },
    leaf: { extensions: named('IP:11.0.0.1') },
    refused: /kind that is not judged/,
  },
  {
    name: 'a URI outside the permitted',
    middle: { extensions: only('permitted;URI:plant.example') },
    leaf: { extensions: named('URI:https://other.example/') },
    refused: /kind that is not judged/,
  },
  {
    name: 'an unknown critical extension in the signer',
    leaf: { extensions: `${LEAF}\n${UNKNOWN}` },
    refused: /critical extension/,
  },
  {
    name: 'an unknown critical extension in an intermediate',
    middle: { extensions: `${CA}\n${UNKNOWN}` },
    refused: /critical extension/,
  },
  {
    name: 'an unknown critical extension in the root',
    root: { extensions: `${CA}\n${UNKNOWN}` },
    refused: /critical extension/,
  },
  { name: 'a signer by SHA-1', leaf: { digest: 'sha1' }, refused: /is signed by/ },
  {
    name: 'an intermediate by SHA-1',
    middle: { digest: 'sha1' },
    root: { key: 'rsa-2048' },
    refused: /is signed by/,
  },
  { name: 'an intermediate of RSA with 512 bits', middle: { key: 'rsa-512' }, refused: /too weak/ },
  { name: 'an intermediate of RSA with 1024 bits', middle: { key: 'rsa-1024' }, refused: /too weak/ },
  { name: 'a root of RSA with 1024 bits', root: { key: 'rsa-1024' }, refused: /too weak/ },
  { name: 'an intermediate of P-192', middle: { key: 'P-192' }, refused: /too weak/ },
  {
    name: 'a signer without extended key usage',
    leaf: { extensions: usage('critical,digitalSignature') },
    refused: /codeSigning/,
  },
  {
    name: 'a signer for servers',
    leaf: { extensions: usage('critical,digitalSignature', 'serverAuth') },
    refused: /not meant for signing/,
  },
  {
    name: 'a signer for servers too',
    leaf: { extensions: usage('critical,digitalSignature', 'codeSigning,serverAuth') },
    refused: /serverAuth/,
  },
  {
    name: 'a signer for anything',
    leaf: { extensions: usage('critical,digitalSignature', 'codeSigning,anyExtendedKeyUsage') },
    refused: /anyExtendedKeyUsage/,
  },
  {
    name: 'a signer without key usage',
    leaf: { extensions: 'extendedKeyUsage=codeSigning' },
    refused: /key usage/,
  },
  {
    name: 'a signer whose key usage is not critical',
    leaf: { extensions: usage('digitalSignature', 'codeSigning') },
    refused: /key usage/,
  },
  {
    name: 'a signer that signs certificates too',
    leaf: { extensions: usage('critical,digitalSignature,keyCertSign', 'codeSigning') },
    refused: /key usage/,
  },
  {
    name: 'a signer that signs revocation lists too',
    leaf: { extensions: usage('critical,digitalSignature,cRLSign', 'codeSigning') },
    refused: /key usage/,
  },
  {
    name: 'a signer that may not sign',
    leaf: { extensions: usage('critical,keyAgreement', 'codeSigning') },
    refused: /not meant for signing/,
  },
];

export const STRICTER: readonly ChainOrder[] = [
  {
    name: 'an intermediate for servers only',
    middle: { extensions: `${CA}\nextendedKeyUsage=serverAuth` },
    refused: /is for other uses/,
    stricter: 'OpenSSL does not ask authorities for their extended key usage',
  },
  {
    name: 'critical certificate policies',
    middle: { extensions: `${CA}\ncertificatePolicies=critical,1.2.3.4` },
    refused: /critical extension/,
    stricter: 'we do not judge policies',
  },
  {
    name: 'an address of the internet below the permitted',
    middle: { extensions: only('permitted;IP:10.0.0.0/255.0.0.0') },
    leaf: { extensions: named('IP:10.0.0.1') },
    refused: /kind that is not judged/,
    stricter: 'we judge no constraints on IP addresses and URIs',
  },
  {
    name: 'a signer of Ed25519',
    leaf: { key: 'ed25519' },
    refused: /is not EC/,
    stricter: 'Model Signing has ECDSA only',
  },
];
