/** The icons that have names. */

/**
 * Path data in a box of 24 x 24, drawn as a stroke whose joins are round, as all corners are then. Their names are
 * values of `icon`, and first words of types.
 */
export const ICONS = {
  bell: 'M6 9a6 6 0 0 1 12 0c0 5 1.5 6.5 2.5 7.5h-17c1-1 2.5-2.5 2.5-7.5M10 20a2.2 2.2 0 0 0 4 0',
  comment: 'M20.5 12a8 8 0 0 1-11.7 7.1l-4.8 1.4 1.4-4.6a8 8 0 1 1 15.1-3.9',
  like: 'M12 20s-7.5-4.6-8.7-9.6a4.6 4.6 0 0 1 8.7-3.1 4.6 4.6 0 0 1 8.7 3.1c-1.2 5-8.7 9.6-8.7 9.6z',
  star: 'M12 3.8l2.5 5.2 5.7.8-4.1 4 1 5.7-5.1-2.7-5.1 2.7 1-5.7-4.1-4 5.7-.8z',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.5-3.5 3.5-5.5 7.5-5.5s7 2 7.5 5.5',
  users: 'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.5-3.5 3-5 6.5-5s6 1.5 6.5 5M16 5a3.5 3.5 0 0 1 0 6' +
    'M18 15c2 .5 3 2 3.5 4.5',
  mail: 'M3.5 5.5h17v13h-17zM4 6l8 7 8-7',
  calendar: 'M4 5.5h16v14.5h-16zM4 10h16M8.5 3.5v4M15.5 3.5v4',
  deploy: 'M12 14.5l-2.5-2.5c.8-4.2 3.8-7.5 10-8-.5 6.2-3.8 9.2-8 10M9.5 12h-4.3l2.3-3.5 3-.7M12 14.5v4.3l3.5-2.3' +
    ' .7-3M6 16.5c-1.5.6-2 3.5-2 3.5s2.9-.5 3.5-2',
  build: 'M14.5 6.5a4 4 0 0 0-5.3 4.9l-5.2 5.2v3.4h3.4l5.2-5.2a4 4 0 0 0 4.9-5.3l-2.5 2.5-3-3z',
  package: 'M12 3.5l7.5 4v9l-7.5 4-7.5-4v-9zM5 7.5l7 4 7-4M12 11.5v9M8 5.5l7.5 4',
  billing: 'M3.5 5.5h17v13h-17zM3.5 10h17M7 14.5h3.5',
  security: 'M12 3.5l7 2.5v5.5c0 4.5-3 7.5-7 9-4-1.5-7-4.5-7-9v-5.5zM9 12l2 2 4-4',
  lock: 'M6 10h12v10h-12zM8.5 10v-2.5a3.5 3.5 0 0 1 7 0v2.5M12 14v2.5',
  server: 'M4 4.5h16v6h-16zM4 13.5h16v6h-16zM7.5 7.5h.01M7.5 16.5h.01',
  cloud: 'M7 18.5a4.3 4.3 0 0 1-.5-8.5 6 6 0 0 1 11.5 1.5 3.6 3.6 0 0 1-.5 7z',
  backup: 'M5 6.5c0-1.5 3-3 7-3s7 1.5 7 3-3 3-7 3-7-1.5-7-3zM5 6.5v11c0 1.5 3 3 7 3s7-1.5 7-3v-11M5 12' +
    'c0 1.5 3 3 7 3s7-1.5 7-3',
  bug: 'M8.5 9.5a3.5 3.5 0 0 1 7 0v5a3.5 3.5 0 0 1-7 0zM12 11.5v6.5M9 6.5l-1.5-1.5M15 6.5l1.5-1.5M8.5 10.5l-3.5-1.5' +
    'M15.5 10.5l3.5-1.5M8.5 13.5h-4M15.5 13.5h4M8.5 16l-2.5 2.5M15.5 16l2.5 2.5',
  file: 'M6 3.5h8l4 4v13h-12zM13.5 3.5v4.5h4.5M9 12.5h6M9 16h6',
  download: 'M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4.5 19.5h15',
  clock: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 7.5v4.5l3 2',
  flag: 'M6 20.5v-16c4-2 7.5 2 12 0v9c-4.5 2-8-2-12 0',
  tag: 'M4 4h7.5l8.5 8.5-7.5 7.5-8.5-8.5zM8 8h.01',
  news: 'M4 4.5h13v13a2 2 0 0 0 2 2h-13a2 2 0 0 1-2-2zM17 9.5h3.5v7.5M7.5 8.5h6M7.5 12h6M7.5 15.5h3.5',
  chart: 'M4.5 4.5v15h15M8.5 15.5v-4M12.5 15.5v-8M16.5 15.5v-6',
  phone: 'M7 3.5h10v17h-10zM11 17.5h2',
  link: 'M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1',
  info: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM12 11v5M12 8h.01',
  success: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17zM8.5 12.5l2.5 2.5 5-5.5',
  warning: 'M12 4.5l8.5 15h-17zM12 10v4.5M12 17h.01',
  error: 'M8.5 3.5h7l5 5v7l-5 5h-7l-5-5v-7zM12 8v5M12 16h.01',
  // Used by the bell itself.
  check: 'M5 12.5l4.5 4.5 9.5-9.5',
  archive: 'M4 4.5h16v4h-16zM5.5 8.5v11h13v-11M9.5 12.5h5',
  dots: 'M5 12h.01M12 12h.01M19 12h.01',
  go: 'M9.5 6l6 6-6 6',
  close: 'M6.5 6.5l11 11M17.5 6.5l-11 11',
  back: 'M14.5 6l-6 6 6 6',
  gear: 'M12 15.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM10 3h4l.5 2.5 2 1.5 2.5-1 2 3.5-2 1.5v2l2 1.5-2 3.5-2.5-1-2 1.5' +
    '-.5 2.5h-4l-.5-2.5-2-1.5-2.5 1-2-3.5 2-1.5v-2l-2-1.5 2-3.5 2.5 1 2-1.5z',
  up: 'M12 19v-13.5M6 11l6-6 6 6'
};

/** Other names for the same icons. */
export const ICON_ALIASES = {
  message: 'comment', chat: 'comment', mention: 'comment', heart: 'like', favorite: 'like', person: 'user',
  people: 'users', team: 'users', email: 'mail', event: 'calendar', release: 'deploy', rocket: 'deploy',
  ci: 'build', tool: 'build', order: 'package', shipping: 'package', payment: 'billing', invoice: 'billing',
  shield: 'security', login: 'lock', host: 'server', database: 'backup', storage: 'backup', issue: 'bug',
  document: 'file', report: 'chart', reminder: 'clock', newsletter: 'news', announcement: 'news', general: 'bell',
  device: 'phone', ok: 'success', done: 'success', alert: 'warning', alarm: 'error', failure: 'error'
};
