/** The position of the panel. */

const MARGIN_PX = 12;
const GAP_PX = 8;

/** Below this width the panel fills the window, as the style sheet defines. */
const SMALL_PX = 560;

/**
 * Put the panel below the bell where it fits, else above it; its width is CSS's. Fixed, so that an ancestor with hidden
 * overflow can't cut it; measured once more, because an ancestor with a transform moves fixed elements.
 */
export function placeBelow(panel: HTMLElement, button: HTMLElement, isRtl: boolean): void {
  const style = panel.style;
  const width = document.documentElement.clientWidth;
  const bell = button.getBoundingClientRect();
  panel.removeAttribute('style');
  if (width <= SMALL_PX) return;
  const size = panel.getBoundingClientRect().width;
  const below = window.innerHeight - bell.bottom - MARGIN_PX - GAP_PX;
  const wanted = isRtl ? bell.left : bell.right - size;
  const left = Math.max(MARGIN_PX, Math.min(wanted, width - size - MARGIN_PX));
  let top = bell.bottom + GAP_PX;
  style.left = left + 'px';
  style.right = 'auto';
  if (below >= 320 || below >= bell.top) {
    style.maxHeight = Math.max(below, 160) + 'px';
  } else {
    style.maxHeight = bell.top - MARGIN_PX - GAP_PX + 'px';
    top = Math.max(MARGIN_PX, bell.top - GAP_PX - panel.getBoundingClientRect().height);
  }
  style.top = top + 'px';
  const real = panel.getBoundingClientRect();
  if (Math.abs(real.left - left) > 1 || Math.abs(real.top - top) > 1) {
    style.left = 2 * left - real.left + 'px';
    style.top = 2 * top - real.top + 'px';
  }
}
