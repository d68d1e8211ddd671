// Cables on a canvas: where they run, which one is under the pointer, and how they are drawn.

import { colours } from './ui.js';

// Life of a pulse that travels along a cable, in ms.
export const LIFE = 520;
// Steps of brightness: all cables of one step and colour are drawn by one call.
const STEPS = 6;

// A cable from (x1, y1) to (x2, y2) is a cubic curve with level ends.
export function bend(cable) {
  return Math.max(30, Math.min(180, (cable.x2 - cable.x1) * 0.5));
}

export function trace(path, cable, shift) {
  const reach = bend(cable);
  path.moveTo(cable.x1, cable.y1 - shift);
  path.bezierCurveTo(cable.x1 + reach, cable.y1 - shift, cable.x2 - reach, cable.y2 - shift, cable.x2, cable.y2 - shift);
}

export function point(cable, t) {
  const reach = bend(cable);
  const s = 1 - t;
  const [a, b, c, d] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
  return [
    a * cable.x1 + b * (cable.x1 + reach) + c * (cable.x2 - reach) + d * cable.x2,
    (a + b) * cable.y1 + (c + d) * cable.y2,
  ];
}

// Returns the cable that runs at most `reach` pixels from a place, the nearest one.
export function nearest(cables, x, y, reach = 9) {
  let best;
  let least = reach;
  for (const cable of cables) {
    if (x < cable.x1 - reach || x > cable.x2 + reach) continue;
    if (y < Math.min(cable.y1, cable.y2) - reach || y > Math.max(cable.y1, cable.y2) + reach) continue;
    // x grows along the cable: halve the range until it is x.
    let [low, high] = [0, 1];
    for (let turn = 0; turn < 14; turn++) {
      const middle = (low + high) / 2;
      if (point(cable, middle)[0] < x) low = middle;
      else high = middle;
    }
    const [px, py] = point(cable, low);
    const [qx, qy] = point(cable, Math.min(1, low + 0.01));
    const length = Math.hypot(qx - px, qy - py) || 1;
    const distance = Math.abs((qx - px) * (y - py) - (qy - py) * (x - px)) / length;
    if (distance < least) [best, least] = [cable, distance];
  }
  return best;
}

const inView = (cable, top, bottom) => Math.max(cable.y1, cable.y2) >= top - 8 && Math.min(cable.y1, cable.y2) <= bottom + 8;

// Draws all cables as they are without activity. `focus` returns whether a cable is meant by the selection or the pointer.
export function drawCables(context, { cables, width, height, top, focus, selected, hovered }) {
  const { hue, danger } = colours();
  context.clearRect(0, 0, width, height);
  const groups = new Map();
  const special = [];
  for (const cable of cables) {
    if (!inView(cable, top, top + height)) continue;
    if (cable.key === selected || cable.key === hovered || cable.muted || cable.filtered) {
      special.push(cable);
      continue;
    }
    const faded = focus && !focus(cable);
    const group = `${faded ? 0 : focus ? 2 : 1} ${cable.hue}`;
    if (!groups.has(group)) groups.set(group, new Path2D());
    trace(groups.get(group), cable, top);
  }
  context.lineCap = 'round';
  const many = cables.length > 300;
  for (const [group, path] of groups) {
    const [strength, angle] = group.split(' ');
    context.strokeStyle = hue(angle);
    context.globalAlpha = many ? [0.07, 0.34, 0.95][strength] : [0.13, 0.62, 1][strength];
    // Lines of one pixel are drawn without outlines, many times faster.
    context.lineWidth = many && strength < 2 ? 1 : strength === '2' ? 2.6 : 2.1;
    context.stroke(path);
  }
  for (const cable of special) {
    const lit = cable.key === selected || cable.key === hovered;
    const path = new Path2D();
    trace(path, cable, top);
    const faded = focus && !lit && !focus(cable);
    if (lit) {
      context.globalAlpha = 0.22;
      context.lineWidth = 11;
      context.strokeStyle = hue(cable.hue);
      context.stroke(path);
    }
    context.globalAlpha = faded ? 0.15 : lit ? 1 : 0.75;
    context.lineWidth = lit ? 3.2 : 2.1;
    context.strokeStyle = cable.muted ? danger : hue(cable.hue);
    context.setLineDash(cable.muted ? [2, 7] : cable.filtered ? [10, 6] : []);
    context.stroke(path);
    context.setLineDash([]);
  }
  context.globalAlpha = 1;
}

// Draws what glows. `lit` has [cable, level]; `pulses` has [cable, t]. Returns whether anything was drawn.
export function drawGlow(context, { lit, pulses, width, height, top, dirty }) {
  const { hue } = colours();
  if (dirty) context.clearRect(0, 0, width, height);
  const groups = new Map();
  for (const [cable, level] of lit) {
    if (!inView(cable, top, top + height)) continue;
    const group = `${Math.ceil(level * STEPS)} ${cable.hue}`;
    if (!groups.has(group)) groups.set(group, new Path2D());
    trace(groups.get(group), cable, top);
  }
  const many = lit.length > 150;
  context.lineCap = 'round';
  for (const [group, path] of groups) {
    const [stepText, angle] = group.split(' ');
    const level = Number(stepText) / STEPS;
    context.strokeStyle = hue(angle);
    if (!many) {
      context.globalAlpha = level * 0.2;
      context.lineWidth = 10;
      context.stroke(path);
    }
    context.globalAlpha = Math.min(1, level * (many ? 0.8 : 0.95));
    context.lineWidth = many ? 1 : 3;
    context.stroke(path);
  }
  context.globalAlpha = 1;
  for (const [cable, t] of pulses) {
    const [x, y] = point(cable, t);
    if (y < top - 8 || y > top + height + 8) continue;
    context.fillStyle = hue(cable.hue);
    context.globalAlpha = 0.25 * (1 - t * 0.5);
    context.beginPath();
    context.arc(x, y - top, 8, 0, 7);
    context.fill();
    context.globalAlpha = 1 - t * 0.4;
    context.beginPath();
    context.arc(x, y - top, 3.4, 0, 7);
    context.fill();
  }
  context.globalAlpha = 1;
  return groups.size > 0 || pulses.length > 0;
}

// Draws the cable that follows the pointer.
export function drawLoose(context, cable, top, angle, snapped) {
  const { hue, dim } = colours();
  const path = new Path2D();
  trace(path, cable, top);
  context.strokeStyle = snapped ? hue(angle) : dim;
  context.lineWidth = 3;
  context.setLineDash(snapped ? [] : [6, 6]);
  context.stroke(path);
  context.setLineDash([]);
  context.fillStyle = hue(angle);
  context.beginPath();
  context.arc(cable.toX, cable.toY - top, 5, 0, 7);
  context.fill();
}
