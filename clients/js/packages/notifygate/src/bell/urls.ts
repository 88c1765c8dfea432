/** Which links are followed, and where they lead. */

const SAFE_URL = /^(?:https?:\/\/[^\/?#\\\s]+|\/(?![\/\\]))[^\\\s\u0000-\u0020\u007f-\u009f]*$/i;

/** Return whether an `action_url` may be followed: http, https, or a path that begins with a single slash. */
export function isSafeUrl(url: unknown): url is string {
  return typeof url === 'string' && url.length <= 2000 && SAFE_URL.test(url);
}

export function isOwnOrigin(url: string) {
  const link = document.createElement('a');
  link.href = url;
  // An old Internet Explorer leaves the host empty for a path, and adds the default port.
  return !link.host || (link.protocol === window.location.protocol &&
    link.host.replace(/:(80|443)$/, '') === window.location.host.replace(/:(80|443)$/, ''));
}

export function originOf(url: string) {
  const match = /^(https?:\/\/[^\/?#]+)/i.exec(url);
  return match ? match[1].toLowerCase() : '';
}
