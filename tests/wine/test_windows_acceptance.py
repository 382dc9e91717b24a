from tests.acceptance.test_cli_agent import *
from tests.acceptance.test_cli_ensure import *
from tests.acceptance.test_cli_log import *
from tests.acceptance.test_cli_stop import *
from tests.acceptance.test_cli_serve import *
from tests.acceptance.test_which_hub import *
from tests.acceptance.test_several_hubs import *
from tests.acceptance.test_network_options import *
from tests.acceptance.test_cli_import import *
from tests.acceptance.test_former_storage import *
import pytest
pytestmark = pytest.mark.outer
