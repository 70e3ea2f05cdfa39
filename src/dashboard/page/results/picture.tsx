import { render, type JSX } from "preact";

/** Resolution of an exported picture, as a multiple of the size on the page. */
const PNG_SCALE = 2;

/** Returns a figure as the text of an SVG file. */
export function svgText(figure: JSX.Element): string {
  const place = document.createElement("div");
  render(figure, place);
  const text = new XMLSerializer().serializeToString(place.firstElementChild!);
  render(null, place);
  return text;
}

/** Returns a figure as a PNG file. @throws if the browser cannot draw it, because it is too large, for example */
export async function pngOf(svg: string): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width * PNG_SCALE;
  canvas.height = image.height * PNG_SCALE;
  const context = canvas.getContext("2d");
  context?.drawImage(image, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob === null) throw new Error("the browser cannot draw a picture of this size");
  return blob;
}
