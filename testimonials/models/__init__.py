"""People's words with the stories they belong to, whose words they are, and what those people agreed to."""

from .consent import Consent as Consent
from .contributor import Contributor as Contributor
from .testimonial import PORTRAIT_TYPES as PORTRAIT_TYPES
from .testimonial import PORTRAIT_WIDTHS as PORTRAIT_WIDTHS
from .testimonial import REDUCED as REDUCED
from .testimonial import RENDITIONS as RENDITIONS
from .testimonial import Testimonial as Testimonial
