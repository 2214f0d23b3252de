// Who works where in the demo. A person with a device is on it: for as long as the demo runs, or with a `story` of another end.

/** Addresses that no mail can ever reach (RFC 2606). */
const at = (domain) => (name, rest) => {
  const plain = name.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
  return { name, email: `${plain.replace(' ', '.')}@${domain}`, ...rest };
};

const meridian = at('meridian.example');
const fjordline = at('fjordline.example');

export const ORGANIZATIONS = [
  {
    name: 'Meridian Geodata',
    seats: 10,
    features: [
      ['map.open', 412],
      ['export.geotiff', 96],
      ['ai_assist.classify', 71],
      ['terrain.profile', 33],
      ['report.pdf', 12],
    ],
    owner: meridian('Ingrid Solberg', { device: 'solberg-mbp' }),
    members: [
      meridian('Amélie Laurent', { role: 'ADMIN', joinedAs: 'MEMBER', device: 'MG-WS-02' }),
      meridian('Marcus Webb', { role: 'BILLING' }),
      meridian('Piotr Zieliński', { role: 'MEMBER', device: 'MG-WS-11' }),
      meridian('Sofia Marchetti', { role: 'MEMBER', device: 'sofia-studio' }),
      meridian('Daniel Okafor', { role: 'MEMBER', device: 'MG-WS-04' }),
      meridian('Jonas Lindqvist', { role: 'MEMBER', device: 'MG-WS-07' }),
      meridian('Wei Zhang', { role: 'MEMBER', device: 'MG-WS-14' }),
      meridian('Priya Raman', { role: 'MEMBER', device: 'raman-mbp', story: 'revoked' }),
      meridian('Tomás Herrera', { role: 'MEMBER', device: 'MG-WS-09', story: 'gave back' }),
      meridian('Yuki Tanaka', { role: 'GUEST' }),
    ],
    invited: [
      { email: 'nadia.haddad@meridian.example', role: 'MEMBER' },
      { email: 'lars.nyman@meridian.example', role: 'ADMIN' },
    ],
  },
  {
    // Every seat is taken, so whoever comes is refused.
    name: 'Fjordline Studio',
    seats: 2,
    owner: fjordline('Henrik Dahl', { device: 'dahl-studio' }),
    members: [
      fjordline('Maja Berg', { role: 'ADMIN' }),
      fjordline('Oskar Lie', { role: 'BILLING' }),
      fjordline('Emma Hagen', { role: 'MEMBER', device: 'hagen-pc' }),
      fjordline('Noah Strand', { role: 'MEMBER', device: 'strand-laptop', story: 'refused' }),
      fjordline('Liv Aune', { role: 'GUEST' }),
    ],
    invited: [{ email: 'ida.moen@fjordline.example', role: 'MEMBER' }],
  },
];

/** A member of the vendor's staff. */
export const STAFF = { name: 'Robin Kessler', email: 'robin.kessler@support.example' };
