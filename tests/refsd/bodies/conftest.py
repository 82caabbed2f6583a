import pytest

from refsd.bodies import AnnyBody, load_body


@pytest.fixture(scope="session")
def body() -> AnnyBody:
    return load_body()
