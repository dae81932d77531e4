// A chart as a PNG, drawn from what stands on the page: the shapes of its SVG, its text where the browser has put it, lines
// and grounds of its boxes. Painted by hand, since the page's Content-Security-Policy lets no image be made of an SVG.

const SCALE = 2;
const MARGIN = 20;
const UNSEEN = 'defs, .unseen, .no-print, input, [role="tooltip"]';

/** Title and lines of text stand above and below the chart. */
export async function pictureOf(chart: HTMLElement, title: string, lines: readonly string[]): Promise<Blob> {
  const style = getComputedStyle(document.body);
  const box = chart.getBoundingClientRect();
  const [head, foot] = [38, lines.length * 18 + 8];
  const canvas = document.createElement('canvas');
  canvas.width = (box.width + 2 * MARGIN) * SCALE;
  canvas.height = (box.height + 2 * MARGIN + head + foot) * SCALE;
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('this browser draws no pictures');
  pen.scale(SCALE, SCALE);
  pen.fillStyle = style.backgroundColor;
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.fillStyle = style.color;
  pen.font = `600 20px ${getComputedStyle(document.documentElement).getPropertyValue('--serif')}`;
  pen.fillText(title, MARGIN, MARGIN + 18);
  pen.font = `400 12px ${style.fontFamily}`;
  lines.forEach((line, i) => pen.fillText(line, MARGIN, MARGIN + head + box.height + 20 + i * 18));
  pen.translate(MARGIN - box.left, MARGIN + head - box.top);
  paint(pen, chart);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error('no picture'))), 'image/png'));
}

function paint(pen: CanvasRenderingContext2D, element: Element): void {
  if (element.matches(UNSEEN)) return;
  const style = getComputedStyle(element);
  if (style.display === 'none' || style.visibility === 'hidden') return;
  pen.save();
  pen.globalAlpha *= Number(style.opacity);
  if (element instanceof SVGGraphicsElement && !(element instanceof SVGSVGElement)) paintShape(pen, element, style);
  else if (element instanceof HTMLElement) paintBox(pen, element, style);
  for (const child of element.childNodes) {
    if (child instanceof Element) paint(pen, child);
    else if (child instanceof Text && !(element instanceof SVGElement)) paintText(pen, child, style);
  }
  pen.restore();
}

/** Ground and the lines above and below. */
function paintBox(pen: CanvasRenderingContext2D, element: HTMLElement, style: CSSStyleDeclaration): void {
  const box = element.getBoundingClientRect();
  pen.fillStyle = style.backgroundColor;
  pen.fillRect(box.left, box.top, box.width, box.height);
  for (const [side, at] of [['Top', box.top], ['Bottom', box.bottom - 1]] as const) {
    const width = parseFloat(style[`border${side}Width`]);
    if (!(width > 0) || style[`border${side}Style`] === 'none') continue;
    pen.fillStyle = style[`border${side}Color`];
    pen.fillRect(box.left, at, box.width, width);
  }
}

/** Word by word, each where the browser has put it. */
function paintText(pen: CanvasRenderingContext2D, text: Text, style: CSSStyleDeclaration): void {
  pen.font = `${style.fontStyle} ${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  pen.fillStyle = style.color;
  pen.textBaseline = 'middle';
  const range = document.createRange();
  for (const word of text.data.matchAll(/\S+/g)) {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    const box = range.getBoundingClientRect();
    if (box.width > 0) pen.fillText(word[0], box.left, box.top + box.height / 2);
  }
}

function paintShape(pen: CanvasRenderingContext2D, shape: SVGGraphicsElement, style: CSSStyleDeclaration): void {
  const matrix = shape.getScreenCTM();
  if (!matrix) return;
  const before = pen.getTransform();
  pen.transform(matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f);
  if (shape instanceof SVGTextElement) paintLabel(pen, shape, style);
  else {
    const path = pathOf(shape);
    if (path) fillAndStroke(pen, path, style);
  }
  pen.setTransform(before);
}

function paintLabel(pen: CanvasRenderingContext2D, label: SVGTextElement, style: CSSStyleDeclaration): void {
  pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
  pen.fillStyle = style.fill;
  pen.textBaseline = 'alphabetic';
  if (label.getNumberOfChars() === 0) return;
  const start = label.getStartPositionOfChar(0);
  pen.fillText(label.textContent?.trim() ?? '', start.x, start.y);
}

function pathOf(shape: SVGGraphicsElement): Path2D | null {
  const path = new Path2D();
  if (shape instanceof SVGPathElement) return new Path2D(shape.getAttribute('d') ?? '');
  if (shape instanceof SVGRectElement) path.rect(...numbers(shape, 'x', 'y', 'width', 'height'));
  else if (shape instanceof SVGCircleElement) {
    const [x, y, r] = numbers(shape, 'cx', 'cy', 'r', 'r');
    path.arc(x, y, r, 0, 2 * Math.PI);
  } else if (shape instanceof SVGLineElement) {
    const [x1, y1, x2, y2] = numbers(shape, 'x1', 'y1', 'x2', 'y2');
    path.moveTo(x1, y1);
    path.lineTo(x2, y2);
  } else return null;
  return path;
}

/** Lengths in pixels, also where they were written in per cent. */
function numbers(shape: SVGGraphicsElement, ...names: [string, string, string, string]): [number, number, number, number] {
  return names.map((name) => (shape as unknown as Record<string, SVGAnimatedLength>)[name]?.baseVal.value ?? 0) as [number, number, number, number];
}

function fillAndStroke(pen: CanvasRenderingContext2D, path: Path2D, style: CSSStyleDeclaration): void {
  const fill = inkOf(pen, style.fill);
  if (fill) {
    pen.globalAlpha *= Number(style.fillOpacity);
    pen.fillStyle = fill;
    pen.fill(path, 'evenodd');
    pen.globalAlpha /= Number(style.fillOpacity) || 1;
  }
  const stroke = inkOf(pen, style.stroke);
  if (!stroke) return;
  pen.strokeStyle = stroke;
  pen.lineWidth = parseFloat(style.strokeWidth) || 1;
  pen.setLineDash(style.strokeDasharray === 'none' ? [] : style.strokeDasharray.split(',').map(parseFloat));
  pen.stroke(path);
}

/** A colour, or the pattern that `url("#name")` refers to. */
function inkOf(pen: CanvasRenderingContext2D, ink: string): string | CanvasPattern | null {
  if (ink === 'none' || ink === '') return null;
  const name = /url\("?[^#"]*#([^")]+)"?\)/.exec(ink)?.[1];
  const pattern = name ? document.getElementById(name) : null;
  return pattern ? patternOf(pen, pattern as unknown as SVGPatternElement) : ink;
}

function patternOf(pen: CanvasRenderingContext2D, pattern: SVGPatternElement): CanvasPattern | null {
  const tile = document.createElement('canvas');
  tile.width = pattern.width.baseVal.value * SCALE;
  tile.height = pattern.height.baseVal.value * SCALE;
  const tilePen = tile.getContext('2d');
  if (!tilePen) return null;
  tilePen.scale(SCALE, SCALE);
  for (const child of pattern.children) {
    const path = child instanceof SVGGraphicsElement ? pathOf(child) : null;
    if (path) fillAndStroke(tilePen, path, getComputedStyle(child));
  }
  const made = pen.createPattern(tile, 'repeat');
  const turn = pattern.patternTransform.baseVal.consolidate()?.matrix;
  made?.setTransform((turn ? new DOMMatrix([turn.a, turn.b, turn.c, turn.d, turn.e, turn.f]) : new DOMMatrix()).scale(1 / SCALE));
  return made;
}
