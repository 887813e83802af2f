/**
 * What is published: every package that the command line needs, and the SDKs. `sallyport up` runs the presets' examples, so they ship too.
 * Compiled packages next to each other, and not one bundle: worker threads, the examples' servers and the routes' JSON stay the files that
 * they are here, and who takes `verify` alone gets no issuer.
 */
export const packageFolders = [
  'contract',
  'kit',
  'storage',
  'verify',
  'auth',
  'gateway',
  'client',
  'cli',
  'examples/kit',
  'examples/microservices',
  'examples/cookie-spa',
  'examples/edge-gateway',
  'examples/device-chat',
  'examples/event-driven',
] as const;
