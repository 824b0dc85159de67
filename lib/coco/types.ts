/** A class of objects under the number that the data set gives it; COCO's run from 1 to 90 with gaps. */
export interface CocoCategory {
  readonly id: number;
  readonly name: string;
}

/** An image of a data set in COCO's form. */
export interface CocoImage {
  readonly id: number;
  readonly fileName: string;
  readonly width: number;
  readonly height: number;
}

/** Left edge, top edge, width and height in pixels: COCO's own order. */
export type CocoBox = readonly [x: number, y: number, width: number, height: number];

/** An object (or a crowd of them) in an image. */
export interface CocoAnnotation {
  readonly id: number;
  readonly imageId: number;
  readonly categoryId: number;
  readonly box: CocoBox;
  /** In pixels, of the outline where there is one; it decides what counts as small, medium or large. */
  readonly area: number;
  /** Many objects in one region: left out of training, and no mistake to find anything there. */
  readonly crowd: boolean;
}

/** What an `instances_*.json` holds, checked. */
export interface CocoAnnotations {
  /** The file that it was read from, for messages. */
  readonly file: string;
  readonly categories: readonly CocoCategory[];
  readonly images: readonly CocoImage[];
  readonly annotations: readonly CocoAnnotation[];
}

/** One found object, in the image's own pixels and the data set's own category number. */
export interface CocoDetection {
  readonly imageId: number;
  readonly categoryId: number;
  readonly box: CocoBox;
  readonly score: number;
}
